// The cells of a field of view: opening them, and selecting one.

import { CELLS_PER_PAGE, setUpCellPanel, showCells, toOption } from "./cell_panel.js";
import { onChange, watch } from "./change_events.js";
import { element, fillSelect, find, showError, showErrorsOf, showStatus } from "./elements.js";
import { loadAbsent } from "./left_out.js";
import { enqueue } from "./queue.js";
import { get } from "./requests.js";
import { openSource, state, takeTracks } from "./state.js";
import { loadFits, loadTraces, partsColumn, showsParts } from "./traces.js";
import { frameSpan } from "./track_index.js";
import { showFrame } from "./viewer.js";

/** Versions of the cells that this page has had: an event about one of them brings nothing new. */
const knownVersions = new Set();
/** What was said last about inspections that are not used. */
let shownUnused = "";

export function setUpCells() {
  onChange("cells", refreshCells);
  setUpCellPanel((cell, frame) => enqueue(async () => { await selectAny(cell); showFrame(frame); }));
  find("left-out").addEventListener("change", () => {
    const cell = Number(find("left-out").value);
    enqueue(() => (cell ? selectAbsent(cell) : selectCell(null)));
  });
  find("column").addEventListener("change", showErrorsOf(async () => { state.column = find("column").value; await loadTraces(); }));
  find("fit-shown").addEventListener("change", showErrorsOf(async () => { state.fitModel = find("fit-shown").value; await loadFits(); }));
  find("cell").addEventListener("change", () => {
    const cell = Number(find("cell").value) || null;
    enqueue(() => selectCell(cell));
  });
  find("other").addEventListener("change", () => {
    const cell = Number(find("other").value) || null;
    enqueue(() => selectCell(cell, true));
  });
}

/** Loads the cells again, after actions before. */
export function refreshCells(version = "") {
  const { source } = state;
  return enqueue(() => updateCells(source, version));
}

/** Shows the cells again, with the marks that are not saved yet. */
export function showUnsent() {
  if (!state.tracks) return;
  takeTracks(state.tracks);
  showCells();
}

/** Loads the cells of the field of view that was opened. */
export async function openCells() {
  const source = openSource();
  const { dir, fov, dataset } = source;
  takeTracks(null);
  Object.assign(state, { traces: null, parts: null, fits: null, cell: null, other: null, absent: null, absentTrace: null, page: 0, proposal: null });
  knownVersions.clear();
  watch({ dir, fov });
  find("cell-hint").textContent = "";
  showCells();
  try {
    const tracks = await get(`fovs/${fov}/tracks`, { dir });
    if (source !== state.source) return;
    showTracks(tracks);
    showColumns(tracks.columns, dataset.fl);
  } catch (error) {
    if (source !== state.source) return;
    fillSelect(find("column"), []);
    showCells();
    const why = error instanceof Error ? error.message : String(error); // such as: there are no traces yet
    find("cell-hint").textContent = why;
    showStatus(why);
    return;
  }
  await loadTraces();
}

/**
 * Shows what somebody else has corrected; what is selected stays selected.
 * @param {import("./state.js").Source | null} source
 * @param {string} version Empty for any.
 */
async function updateCells(source, version) {
  if (!source || source !== state.source || knownVersions.has(version)) return;
  const tracks = await get(`fovs/${source.fov}/tracks`, { dir: source.dir });
  if (source !== state.source) return;
  showTracks(tracks);
  if (!find("column").options.length) showColumns(tracks.columns, source.dataset.fl);
  await loadTraces();
}

/**
 * A field of view in the list.
 * @param {number} fov
 * @param {boolean} isInspected
 */
export const fovText = (fov, isInspected) => `FOV ${fov}${isInspected ? " ✓" : ""}`;

/**
 * Takes the cells as the inspection has left them.
 * @param {Api.Tracks} tracks
 */
export function showTracks(tracks) {
  takeTracks(tracks);
  knownVersions.add(tracks.version);
  const { byCell, absent } = state.index;
  const [name, count] = document.querySelectorAll("#fov-list [aria-current] span");
  if (name && count) [name.textContent, count.textContent] = [fovText(openSource().fov, tracks.log.length > 0), String(byCell.size)];
  if (state.cell !== null && !byCell.has(state.cell)) {
    if (absent.has(state.cell)) state.absent = state.cell; // deleted, or kept no more
    state.cell = null;
  }
  const kept = state.absent === null || absent.has(state.absent) ? null : state.absent;
  if (kept !== null) Object.assign(state, { absent: null, absentTrace: null, cell: state.index.byLabel.get(kept)?.[0].cell ?? null });
  if (state.other !== null && !byCell.has(state.other)) state.other = null;
  const unused = tracks.set_aside.join(" ");
  // While a run makes traces again, inspections are unused until it has carried them over.
  if (unused) showStatus(unused, !tracks.is_carried);
  else if (shownUnused && find("status").textContent === shownUnused) showStatus("");
  shownUnused = unused;
}

/**
 * Fills the list of columns; the column of the earlier field of view stays chosen.
 * @param {Array<Api.MeasuredColumn>} columns
 * @param {Array<number>} fluorescence Channels.
 */
function showColumns(columns, fluorescence) {
  const names = columns.map(({ name }) => name);
  state.column = names.find((name) => name === state.column) ?? names.find((name) => name.startsWith("intensity_total")) ?? names[0] ?? null;
  fillSelect(find("column"), [
    ...names.map(toOption),
    ...fluorescence.map((channel) => /** @type {[string, string]} */ ([partsColumn(channel), `raw, background, corrected (ch ${channel})`])),
  ], state.column);
  find("meanings").replaceChildren(...columns.filter(({ meaning }) => meaning)
    .flatMap(({ name, meaning }) => [element("dt", {}, name), element("dd", {}, meaning)]));
}

/**
 * Selects the cell at a click. Its label is looked up at once, its cell after earlier actions.
 * @param {Promise<{label: number | undefined, frame: number}>} found
 * @param {boolean} isOther
 */
export function selectAtClick(found, isOther) {
  enqueue(async () => {
    const { label, frame } = await found;
    const cell = label === undefined ? null : state.index.cellOf(label, frame);
    if (label === undefined || cell !== null || isOther) selectCell(cell, isOther);
    else await selectAbsent(label);
  });
}

/**
 * Selects a cell of the plot, with or without a trace.
 * @param {number} cell
 */
const selectAny = (cell) => (state.index.byCell.has(cell) ? selectCell(cell) : selectAbsent(cell));

/**
 * Selects a cell without a trace, shows why it has none, and a frame in which it is.
 * @param {number} label
 */
async function selectAbsent(label) {
  selectCell(null);
  if (!state.index.absent.has(label)) {
    if (state.tracks) showStatus(`Cell ${label} has no trace. A run with this version writes the table that tells why.`, true);
    return;
  }
  state.absent = label;
  await loadAbsent();
  showCells();
  const { frames = [] } = state.absentTrace?.trace ?? {};
  if (frames.length && !frames.includes(state.frame)) showFrame(frames[0]);
}

/**
 * Selects a cell, or the other cell of a join or swap; null selects none.
 * @param {number | null} cell
 */
export function selectCell(cell, isOther = false) {
  if (isOther) state.other = cell === state.cell ? null : cell;
  else {
    state.cell = cell;
    if (state.other === cell) state.other = null;
    Object.assign(state, { absent: null, absentTrace: null });
    const place = cell === null ? -1 : state.index.cells.indexOf(cell);
    if (place >= 0) state.page = Math.floor(place / CELLS_PER_PAGE);
  }
  state.proposal = null;
  showCells();
  if (showsParts()) loadTraces().catch(showError);
}

/**
 * Selects the next cell, and shows a frame in which it is.
 * @param {number} by
 */
export function selectNext(by) {
  const { cells, byCell } = state.index;
  const place = state.cell === null ? -1 : cells.indexOf(state.cell);
  const track = byCell.get(cells[place < 0 ? 0 : (place + by + cells.length) % cells.length]);
  if (!track) return;
  selectCell(track.cell);
  const [first, last] = frameSpan(track);
  if (state.frame < first || state.frame > last) showFrame(first);
}
