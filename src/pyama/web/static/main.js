// Entry point: choice of output folder and field of view, views of the page, keyboard shortcuts.

import { moveCursor, toOption } from "./cell_panel.js";
import { fovText, openCells, refreshCells, selectAtClick, selectCell, selectNext, setUpCells, showUnsent } from "./cells.js";
import { onChange, watch } from "./change_events.js";
import { setUpConnection } from "./connection_notice.js";
import { element, fillSelect, find, showErrorsOf, showStatus } from "./elements.js";
import * as inspection from "./inspection.js";
import { setUpPlayback, togglePlaying } from "./playback.js";
import { enqueue, openNewest } from "./queue.js";
import { get, makeLatestCheck } from "./requests.js";
import { proposePlace, readAddress, saveView, setUpRemembering, startRemembering } from "./saved_page.js";
import { NO_RESULTS, openSource, state } from "./state.js";
import { loadFits } from "./traces.js";
import * as viewer from "./viewer.js";

const VIEWS = /** @type {const} */ (["view", "run", "analysis"]);

const startOpening = makeLatestCheck();
/** @type {number | null} The field of view that was asked for last and may not be open yet. */
let requestedFov = null;

/**
 * Opens an output folder at a field of view, or else at its first one.
 * @param {string} dir
 * @param {number | null} [fov]
 */
function openDataset(dir, fov = null) {
  requestedFov = null;
  state.experiment = null;
  return openNewest(async () => {
    const isLatest = startOpening();
    const dataset = await get("dataset", { dir });
    if (!isLatest()) return;
    const entry = dataset.fovs.find((each) => each.fov === fov) ?? dataset.fovs[0];
    if (!entry) throw new Error("This folder has no fields of view yet.");
    await loadFov(dir, dataset, entry.fov);
  });
}

/** @param {number} fov */
function openFov(fov) {
  requestedFov = fov;
  return openNewest(() => {
    const { dir, dataset } = openSource();
    return loadFov(dir, dataset, fov);
  });
}

/**
 * @param {string} dir
 * @param {Api.Dataset} dataset
 * @param {number} fov
 */
async function loadFov(dir, dataset, fov) {
  const isLatest = startOpening();
  const details = await get(`fovs/${fov}`, { dir });
  if (!isLatest()) return;
  const isOther = dataset !== state.source?.dataset;
  state.source = { dir, dataset, fov, details };
  state.frame = Math.min(state.frame, details.shape[0] - 1);
  if (isOther) showDataset(dataset);
  markFov(fov);
  saveView();
  const described = `${dataset.recording}, FOV ${fov}: ${details.shape.join(" × ")}, ${details.time}`;
  showStatus([...details.damaged, described].join(" "), details.damaged.length > 0);
  viewer.openImages();
  await openCells();
}

/** @param {Api.Dataset} dataset */
function showDataset({ recording, remarks, fovs }) {
  document.title = `${recording} · pyama`;
  find("remarks").replaceChildren(...remarks.map((text) => element("li", {}, text)));
  find("fov-list").replaceChildren(...fovs.map(({ fov, name, traces, inspected }) => element("li", {},
    element("button", { id: `fov-${fov}`, title: name, onclick: () => openFov(fov) },
      element("span", {}, fovText(fov, inspected)),
      element("span", { className: "count" }, traces === null ? "–" : `${traces}`)))));
}

/**
 * Marks a field of view in the list as the one that is open.
 * @param {number} fov
 */
function markFov(fov) {
  for (const button of find("fov-list").querySelectorAll("button")) {
    if (button.id === `fov-${fov}`) {
      button.setAttribute("aria-current", "true");
      button.scrollIntoView({ block: "nearest" });
    } else button.removeAttribute("aria-current");
  }
}

/** @param {number} by */
function openNextFov(by) {
  const fovs = state.source?.dataset.fovs.map(({ fov }) => fov) ?? [];
  const next = fovs[fovs.indexOf(requestedFov ?? state.source?.fov ?? -1) + by];
  if (next !== undefined) openFov(next);
}

/** Keys whose effect is previewed, to be applied with Enter. */
const PREVIEWS = ["m", "s", "x", "Delete"];
/** @type {Record<string, () => void>} Keys that do not wait for earlier actions. */
const JUMPS = { "[": () => openNextFov(-1), "]": () => openNextFov(1) };
/** @type {Record<string, (event: KeyboardEvent) => unknown>} */
const KEYS = {
  // Keys do not wait for images: fast key presses skip some frames.
  ArrowLeft: ({ shiftKey }) => void viewer.stepFrames(shiftKey ? -10 : -1),
  ArrowRight: ({ shiftKey }) => void viewer.stepFrames(shiftKey ? 10 : 1),
  ArrowUp: () => selectNext(-1), ArrowDown: () => selectNext(1), " ": togglePlaying,
  g: () => inspection.markCell(true), b: () => inspection.markCell(false), B: () => inspection.markCell(false, state.frame),
  u: inspection.undo, r: inspection.redo,
  m: inspection.joinCells, s: inspection.swapCells, x: inspection.cutCell, Delete: inspection.deleteCell, k: inspection.keepCell,
  Enter: inspection.applyProposal, Escape: inspection.cancelProposal,
  o: () => find("outlines").click(), i: () => find("ids").click(), z: () => find("plot-reset").click(),
  "+": () => viewer.zoomBy(1.5), "-": () => viewer.zoomBy(1 / 1.5), 0: viewer.fitToPanes,
};

/** @param {KeyboardEvent} event */
function actOnKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || find("help").open) return;
  if (event.key === "?") return find("help").showModal();
  const target = event.target instanceof HTMLElement ? event.target : document.body;
  if (find("view").hidden || usesKey(target, event.key)) return;
  const jump = JUMPS[event.key];
  const action = KEYS[event.key];
  if (!jump && !action) return;
  event.preventDefault();
  // The next Enter or Escape is for what is previewed, not for the button that was used last.
  if (PREVIEWS.includes(event.key)) target.blur();
  if (jump) jump();
  else enqueue(() => action(event));
}

/**
 * Whether an element of the page needs a key for itself.
 * @param {HTMLElement} target
 * @param {string} key
 */
function usesKey(target, key) {
  const type = target instanceof HTMLInputElement ? target.type : "";
  if (["BUTTON", "SUMMARY"].includes(target.tagName) || type === "checkbox") return key === " " || key === "Enter";
  if (type === "range") return key.startsWith("Arrow");
  return ["SELECT", "TEXTAREA", "INPUT"].includes(target.tagName);
}

const showView = showErrorsOf(async (/** @type {typeof VIEWS[number]} */ name) => {
  for (const view of VIEWS) {
    find(view).hidden = view !== name;
    find(`tab-${view}`).setAttribute("aria-pressed", `${view === name}`);
  }
  watch({ runs: name === "run" });
  if (name === "view" && !state.source) showStatus(NO_RESULTS);
  else if (name === "view") {
    viewer.showFrame(state.frame);
    await loadFits(); // fits may have been made since
  }
  // Loaded when they are needed: the first picture does not wait for them.
  if (name === "run") await (await import("./run.js")).openForm(openResults, showErrorsOf(() => listDatasets(state.source?.dir ?? null)));
  if (name === "analysis") await (await import("./analysis.js")).openAnalysis();
});

const openResults = showErrorsOf(async (/** @type {string} */ dir) => {
  await showView("view");
  await openDataset(dir);
  await listDatasets(dir);
});

/**
 * Lists the output folders below the root, and the one that is open.
 * @param {string | null} chosen
 */
async function listDatasets(chosen) {
  const names = await get("datasets");
  if (chosen !== null && !names.includes(chosen)) names.push(chosen);
  /** @type {Array<[string, string]>} */
  const none = state.source || chosen !== null ? [] : [["", names.length ? "choose …" : "none yet"]];
  fillSelect(find("dataset"), [...none, ...names.map((name) => (name === "." ? /** @type {[string, string]} */ ([name, "(this folder)"]) : toOption(name)))], chosen ?? undefined);
  return names;
}

/** Shows what others, or a run, have changed in the output folder: tables, fits, report, inspections. */
async function refreshFiles() {
  const { dir } = openSource();
  const dataset = await get("dataset", { dir });
  if (dir !== state.source?.dir) return;
  showDataset(dataset);
  markFov(openSource().fov);
  if (!find("analysis").hidden) await (await import("./analysis.js")).openAnalysis();
  else await loadFits();
}

const start = showErrorsOf(async () => {
  viewer.setUpViewer({ select: selectAtClick, moveCursor });
  setUpPlayback(viewer.draw);
  setUpCells();
  inspection.setUpInspection();
  find("help-open").addEventListener("click", () => find("help").showModal());
  find("dataset").addEventListener("change", async () => {
    if (find("dataset").value) await openDataset(find("dataset").value);
    if (!find("analysis").hidden) await showView("analysis");
  });
  document.addEventListener("keydown", actOnKey);
  let isChosen = false; // a view that somebody chooses while the page opens stays
  for (const view of VIEWS) find(`tab-${view}`).addEventListener("click", () => { isChosen = true; showView(view); });
  setUpRemembering();
  void showErrorsOf(setUpConnection)(() => refreshCells(), showUnsent);
  onChange("files", showErrorsOf(refreshFiles));
  watch({});
  const { dir, fov, frame, cell, experiment, view } = readAddress();
  state.frame = frame ?? 0;
  // The picture first: looking for other folders may take a while.
  const opening = dir === null ? null : openDataset(dir, fov);
  if (cell !== null) enqueue(() => state.index.byCell.has(cell) && selectCell(cell));
  const names = await listDatasets(dir);
  await opening;
  if (dir === null && names.length) {
    const [last, lastFov] = await proposePlace(names);
    find("dataset").value = last;
    await openDataset(last, lastFov);
  }
  state.experiment ??= isChosen ? null : experiment; // opened with Analysis
  const asked = VIEWS.find((name) => name === view);
  if (!isChosen && (!names.length || asked)) await showView(asked ?? "run");
  startRemembering();
});

// For tests, benchmarks and the console of the browser.
Object.assign(window, { pyama: { state, viewer, openFov } });
start();
