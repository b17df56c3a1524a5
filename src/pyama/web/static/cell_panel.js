// The side of the page: lists of cells, the plot of their traces, the log of the inspection.

import { unsentOf, waitingClicks } from "./unsent_corrections.js";
import { PENS } from "./colours.js";
import { element, fillSelect, find } from "./elements.js";
import { makeFigureButtons } from "./figure_files.js";
import { buildLeftOutList, showLeftOut } from "./left_out.js";
import { setUpLegend, swatchOf } from "./legend.js";
import { countText, formatRanges } from "./numbers.js";
import { openSource, state } from "./state.js";
import { TracePlot } from "./trace_plot.js";
import { legendEntries, partLines, plotTimes, traceLines } from "./trace_lines.js";
import { frameSpan } from "./track_index.js";
import { draw } from "./viewer.js";

export const CELLS_PER_PAGE = 20;
/** @type {TracePlot} */
let plot;

/** @param {(cell: number, frame: number) => void} select Called after a click near a trace. */
export function setUpCellPanel(select) {
  plot = new TracePlot(find("plot"), select);
  setUpLegend();
  for (const id of /** @type {const} */ (["all", "log-axis"])) find(id).addEventListener("change", showCells);
  find("plot-reset").addEventListener("click", () => plot.reset());
  find("plot-tools").append(...makeFigureButtons(() => `fovs/${openSource().fov}/figures/${encodeURIComponent(state.column ?? "")}`, figureQuery));
  find("page-back").addEventListener("click", () => turnPage(-1));
  find("page-on").addEventListener("click", () => turnPage(1));
}

/** @param {number} by */
function turnPage(by) {
  const pages = Math.ceil(state.index.cells.length / CELLS_PER_PAGE);
  state.page = Math.max(0, Math.min(pages - 1, state.page + by));
  showCells();
}

/** Shows what the state says about cells, traces and the inspection. */
export function showCells() {
  buildLists();
  showLists();
  showLeftOut();
  showTitle();
  showFitModels();
  showLog();
  showPlot();
  draw();
}

/** @type {typeof state.index | undefined} */
let listed;

/** Builds lists of hundreds of entries when cells or corrections change, not for each selection. */
function buildLists() {
  if (listed === state.index) return;
  listed = state.index;
  buildLeftOutList();
  /** @returns {[number, string]} */
  const toOption = (/** @type {Api.Track} */ track) =>
    [track.cell, state.index.isBad(track.cell, frameSpan(track)[0]) ? `${track.cell} (bad)` : `${track.cell}`];
  const options = [...state.index.byCell.values()].map(toOption);
  fillSelect(find("cell"), [["", "–"], ...options]);
  fillSelect(find("other"), [["", "–"], ...options]);
  find("log").replaceChildren(...(state.tracks?.log ?? []).map(({ active, text, problem }) =>
    element("li", { className: active ? "" : "off" }, problem ? `${text} – no effect: ${problem}` : text)),
    ...unsentOf(state.source).map(({ text }) => element("li", { className: "unsent" }, `${text} – not saved yet`)));
}

function showLists() {
  const { cells } = state.index;
  const pages = Math.max(1, Math.ceil(cells.length / CELLS_PER_PAGE));
  find("page-text").textContent = cells.length ? `${state.page + 1}/${pages} · ${countText(cells.length, "cell")}` : "no traces";
  find("page-back").disabled = state.page === 0;
  find("page-on").disabled = state.page >= pages - 1;
  find("cell").value = String(state.cell ?? "");
  for (const option of find("other").options) option.hidden = option.disabled = option.value === String(state.cell);
  find("other").value = String(state.other ?? "");
  for (const id of /** @type {const} */ (["good", "bad", "bad-from", "cut", "delete"])) find(id).disabled = state.cell === null;
  for (const id of /** @type {const} */ (["join", "swap"])) find(id).disabled = state.cell === null || state.other === null;
}

const HINT = "Click a cell in the image or a line in the plot, or choose one in the lists. Then mark it as good or bad.";

function showTitle() {
  const track = state.cell === null ? undefined : state.index.byCell.get(state.cell);
  const none = state.absent === null ? "No cell selected" : `Cell ${state.absent}: no trace`;
  find("cell-title").textContent = track ? titleOf(track, fitOf(track.cell)) : none;
  if (state.tracks) find("cell-hint").textContent = track || state.absent !== null ? "" : HINT;
}

/**
 * @param {import("./unsent_marks.js").ShownTrack} track
 * @param {Api.FittedCell | undefined} fit
 */
export function titleOf(track, fit) {
  const { cell, bad, segments, n, isUnsent } = track;
  const [first, last] = frameSpan(track);
  const quality = `${bad.length ? `bad in ${formatRanges(bad)}` : "good"}${isUnsent ? " (not saved yet)" : ""}`;
  const labels = [...new Set(segments.map(([label]) => label))];
  const origin = labels.length > 1 || labels[0] !== cell ? ` · labels ${labels.join(", ")}` : "";
  const fitted = fit ? ` · ${fit.model}: R² ${fit.r_squared.toFixed(4)}` : "";
  return `Cell ${cell}: frames ${first}–${last} (${n}), ${quality}${origin}${fitted}`;
}

/**
 * The fit that is shown for a cell.
 * @param {number} cell
 */
const fitOf = (cell) => (state.fitModel === "" || state.proposal ? undefined : state.fits?.byCell.get(cell));

function showFitModels() {
  const { fits, fitModel } = state;
  find("fit-choice").hidden = !fits?.models.length;
  if (fits) fillSelect(find("fit-shown"), [["", "none"], ...fits.models.map(toOption)], fitModel === "" ? "" : fits.model);
}

/**
 * @param {string} name
 * @returns {[string, string]} The option of a list.
 */
export const toOption = (name) => [name, name];

/**
 * Whether a user can undo or redo something: everybody does so with their own corrections only.
 * @param {Array<{by: string, active: boolean}>} log
 * @param {string} user
 */
export function possibleSteps(log, user) {
  const own = log.filter(({ by }) => by === user);
  return { canUndo: own.some(({ active }) => active), canRedo: own.some(({ active }) => !active) };
}

function showLog() {
  const log = state.tracks?.log ?? [];
  const { canUndo, canRedo } = possibleSteps(log, state.user);
  const isKept = waitingClicks().length > 0;
  find("undo").disabled = !canUndo && !isKept;
  find("redo").disabled = !canRedo && !isKept;
  const n = log.filter(({ active }) => active).length;
  find("saved").textContent = n ? `${countText(n, "change")} saved` : state.tracks ? "no changes yet" : "";
  find("proposal").hidden = state.proposal === null;
  find("proposal-text").textContent = state.proposal?.text ?? "";
}

function showPlot() {
  if (!state.source) return;
  const { column, parts, proposal } = state;
  const { times, timeUnit } = plotTimes(openSource().details.times_min);
  const lines = parts ? partLines(parts) : traceLines({
    traces: shownTraces(), cell: state.cell, absent: state.traces && state.absentTrace?.trace, effect: proposal?.effect ?? null, fitOf,
    isBad: (cell) => Boolean(state.index.byCell.get(cell)?.bad.length),
  });
  showLegend(legendEntries({ showsParts: Boolean(parts), showsEffect: Boolean(proposal), lines, isFitCurrent: state.fits?.is_current !== false }));
  const { meaning = "", unit = "" } = state.tracks?.columns.find(({ name }) => name === column) ?? {};
  find("column").title = meaning;
  const labels = parts ? { title: `cell ${parts.cell}`, unit: "counts" } : { title: column ?? "", unit };
  plot.show(lines, { times, timeUnit, frame: state.frame, ...labels }, find("log-axis").checked);
}

/** What the plot shows, for the figure as a file. */
function figureQuery() {
  const cells = shownTraces().map(({ cell }) => cell);
  if (!cells.length) throw new Error("Choose a column of the table with traces: other plots are not saved as a figure.");
  const model = state.fitModel === "" ? undefined : state.fits?.model;
  return { dir: openSource().dir, cells, selected: state.cell ?? undefined, model: model ?? undefined, log: find("log-axis").checked, ...plot.shownPart() };
}

/** Traces of the page of cells, or of all, and of the selected cell. */
function shownTraces() {
  const { index: { cells }, page } = state;
  const shown = new Set(find("all").checked ? cells : cells.slice(page * CELLS_PER_PAGE, (page + 1) * CELLS_PER_PAGE));
  return (state.traces?.traces ?? []).filter(({ cell }) => shown.has(cell) || cell === state.cell);
}

/** @param {ReturnType<typeof legendEntries>} entries */
function showLegend(entries) {
  find("legend").replaceChildren(...entries.map(([style, text]) => element("span", {}, swatchOf(PENS[style]), text)));
}

/** Moves the cursor of the plot to the frame that is shown. */
export const moveCursor = () => plot.moveCursor(state.frame);
