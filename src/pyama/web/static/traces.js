// Loading of traces and fits of the column that is chosen.

import { showCells } from "./cell_panel.js";
import { loadAbsent } from "./left_out.js";
import { get, makeLatestCheck } from "./requests.js";
import { openSource, state } from "./state.js";
import { joinParts } from "./trace_lines.js";

/**
 * Raw, background and corrected intensity of the selected cell: entries of their own in the list
 * of columns.
 */
const PARTS = "parts_ch_";

/**
 * The entry of a channel in the list of columns.
 * @param {number} channel
 */
export const partsColumn = (channel) => `${PARTS}${channel}`;

/** Whether the parts of the intensity are shown. */
export const showsParts = () => state.column?.startsWith(PARTS) ?? false;

const startTraces = makeLatestCheck();

export async function loadTraces() {
  const isLatest = startTraces();
  const { column, source } = state;
  const isParts = showsParts();
  const parts = isParts ? await requestParts() : null;
  const traces = column && !isParts ? await requestTraces(column) : null;
  await loadAbsent();
  if (!isLatest() || source !== state.source) return;
  Object.assign(state, { traces, parts, fits: isParts || state.fits?.column !== column ? null : state.fits });
  showCells();
  await loadFits();
}

/** @param {string} column */
function requestTraces(column) {
  const { dir, fov } = openSource();
  return get(`fovs/${fov}/traces/${encodeURIComponent(column)}`, { dir });
}

/** Null where no cell is selected. */
async function requestParts() {
  const track = state.index.byCell.get(state.cell ?? -1);
  if (!track) return null;
  const { dir, fov } = openSource();
  const channel = Number(state.column?.slice(PARTS.length));
  const labels = new Set(track.segments.map(([label]) => label));
  return joinParts(track, await Promise.all([...labels].map((label) => get(`fovs/${fov}/cells/${label}/parts/${channel}`, { dir }))));
}

const startFits = makeLatestCheck();

/** Loads fits of the column with the chosen model, or else with the model of the latest fit. */
export async function loadFits() {
  const { column, source, fitModel } = state;
  if (!state.traces || column === null) return;
  const isLatest = startFits();
  const { dir, fov } = openSource();
  const fits = await get(`fovs/${fov}/fits/${encodeURIComponent(column)}`, { dir, model: fitModel || undefined });
  if (!isLatest() || source !== state.source || column !== state.column) return;
  state.fits = { ...fits, column, byCell: new Map(fits.cells.map((fit) => [fit.cell, fit])) };
  showCells();
}
