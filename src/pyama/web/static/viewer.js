// The images: channels side by side or as colours of one image, one frame of all of them at a time.

import { CHANNEL_COLOURS } from "./colours.js";
import { restoreRanges, showContrastControls, showRanges } from "./contrast.js";
import { element, find, showError } from "./elements.js";
import { isLoaded, loadFrame, loadPictures, loadedFrame, loadedOutlines, preloadFrames, setOutlineScale, shownKinds, shownRange } from "./frames.js";
import { toPixelValues } from "./grey_levels.js";
import { stackOf, rangeOf, shownStacks, titleOf } from "./stacks.js";
import { formatTime } from "./numbers.js";
import { outlineRemarks } from "./outline_messages.js";
import { drawOutlines, findLabel } from "./outlines.js";
import { Pane } from "./pane.js";
import { stopPlaying } from "./playback.js";
import { listenToPointer } from "./pointer.js";
import { middleOf } from "./polygons.js";
import { makeLatestCheck } from "./requests.js";
import { openSource, state } from "./state.js";
import { colourOf, keepChannels, listenToChoices, paletteOf, restoreChannels, restoreChoices } from "./view_choices.js";
import { fitFrame, viewport, zoomAround } from "./viewport.js";

/**
 * For tests and benchmarks: frames drawn so far, and when the first one was.
 * @type {{shown: number, firstPicture: number | null}}
 */
export const counts = { shown: 0, firstPicture: null };

/** @type {Array<Pane>} */
let panes = [];

/**
 * @typedef {object} ViewerActions
 * @property {(found: ReturnType<typeof findLabel>, isOther: boolean) => void} select Called
 *   after a click, with the label there, and whether it was with Shift.
 * @property {() => void} moveCursor Called after another frame was drawn.
 */

/** @type {ViewerActions} */
let actions = { select: () => {}, moveCursor: () => {} };

const reload = () => void showFrame(state.frame);

/** @param {ViewerActions} given */
export function setUpViewer(given) {
  actions = given;
  // After a change of size, outlines may be needed in another resolution.
  new ResizeObserver(reload).observe(find("panes"));
  find("frame").addEventListener("input", () => showFrame(Number(find("frame").value)));
  find("previous").addEventListener("click", () => stepFrames(-1));
  find("next").addEventListener("click", () => stepFrames(1));
  find("zoom-in").addEventListener("click", () => zoomBy(1.5));
  find("zoom-out").addEventListener("click", () => zoomBy(1 / 1.5));
  find("zoom-fit").addEventListener("click", fitToPanes);
  restoreChoices();
  listenToChoices({ reload, rearrange: arrangePanes });
}

/** Shows the images of the field of view that was opened. */
export function openImages() {
  const { dataset, details } = openSource();
  const [n, height, width] = details.shape;
  viewport.shape = [height, width];
  viewport.pixelSize = dataset.pixel_size_um;
  // While a run makes the first field of view, its contrast stands for all that follow.
  for (const { group, contrast } of details.groups) if (contrast) dataset.contrasts[group] ??= contrast;
  const names = shownStacks();
  restoreChannels();
  find("frame").max = `${n - 1}`;
  find("channels").replaceChildren(...names.map((name) => makeChannelButton(name, names)));
  restoreRanges();
  arrangePanes();
}

/**
 * Shows or hides a channel; at least one stays visible.
 * @param {string} name
 * @param {Array<string>} names
 */
function makeChannelButton(name, names) {
  const button = element("button", { "aria-pressed": state.groups.includes(name) }, titleOf(name));
  button.addEventListener("click", () => {
    const isShown = !state.groups.includes(name);
    if (!isShown && state.groups.length === 1) return;
    state.groups = names.filter((other) => (other === name ? isShown : state.groups.includes(other)));
    button.setAttribute("aria-pressed", `${isShown}`);
    keepChannels();
    arrangePanes();
  });
  return button;
}

function arrangePanes() {
  const shown = state.overlay ? [state.groups] : state.groups.map((name) => [name]);
  panes = shown.map((names) => new Pane(names, names.map(titleOf).join(" + ")));
  find("panes").replaceChildren(...panes.map(({ box }) => box));
  panes[0]?.box.append(element("span", { id: "outline-remarks" }));
  const select = (/** @type {number} */ x, /** @type {number} */ y, /** @type {boolean} */ isOther) =>
    actions.select(findLabel(x, y), isOther);
  for (const pane of panes) listenToPointer(pane, { redraw: draw, reload, select });
  showContrastControls(reload);
  reload();
}

function resizePanes() {
  for (const pane of panes) pane.resize();
  if (panes.length) setOutlineScale(panes[0].transform().scale);
}

const startRequest = makeLatestCheck();

/**
 * Shows a frame; the nearest one where there is none of this number.
 * @param {number} frame
 */
export async function showFrame(frame) {
  const { source } = state;
  if (!source) return;
  state.frame = Math.max(0, Math.min(source.details.shape[0] - 1, frame));
  find("frame").value = `${state.frame}`;
  const isLatest = startRequest();
  const isShown = () => isLatest() && source === state.source;
  resizePanes();
  if (!isLoaded(state.frame)) draw();
  try {
    // The picture does not wait for its outlines.
    await loadPictures(state.frame);
    if (!isShown()) return;
    if (!isLoaded(state.frame)) {
      draw();
      await loadFrame(state.frame);
      if (!isShown()) return;
    }
    draw();
    preloadFrames(stopPlaying);
  } catch (error) {
    showError(error);
  }
}

/** @param {number} by */
export const stepFrames = (by) => showFrame(state.frame + by);

/** @param {number} factor */
export function zoomBy(factor) {
  zoomAround(viewport, factor);
  reload();
}

export function fitToPanes() {
  fitFrame(viewport);
  reload();
}

/** Draws what is loaded; an earlier frame stays visible until it is. */
export function draw() {
  const { source, frame } = state;
  if (!source || !panes.length) return;
  resizePanes();
  for (const pane of panes) drawPane(pane, frame);
  find("outline-remarks").textContent = outlineRemarks(frame).join(" · ");
  const { times_min: times, shape } = source.details;
  find("time").textContent = `frame ${frame} of ${shape[0] - 1} · ${formatTime(times[frame])}`;
  showRanges();
  counts.shown++;
  actions.moveCursor();
}

/**
 * @param {Pane} pane
 * @param {number} frame
 */
function drawPane(pane, frame) {
  pane.label.replaceChildren(...pane.groups.map((name) => makeTitle(name, frame, pane.groups.length > 1)));
  const drawn = pane.groups.flatMap((name) => {
    const pixels = loadedFrame(name, frame);
    if (!pixels) return [];
    const range = toPixelValues(shownRange(name, frame), pixels.scale);
    return [{ pixels, range, palette: pane.groups.length > 1 ? paletteOf(name) : undefined }];
  });
  const isWaiting = drawn.length < pane.groups.length;
  pane.box.classList.toggle("waiting", isWaiting);
  if (isWaiting) return;
  const kinds = shownKinds();
  const [tracked, labeled] = /** @type {const} */ (["tracked", "labeled"]).map((kind) => (kinds.includes(kind) ? loadedOutlines(frame, kind) : undefined));
  pane.draw(drawn, () => drawOutlines(pane, { tracked, labeled }));
  counts.firstPicture ??= performance.now();
}

/**
 * @param {string} name
 * @param {number} frame
 * @param {boolean} isColoured
 */
function makeTitle(name, frame, isColoured) {
  const isRecorded = !stackOf(name).not_recorded.includes(frame);
  const title = `${titleOf(name)}${isRecorded ? "" : ": not recorded"}${rangeOf(name) ? "" : ", contrast of this frame alone"}`;
  if (!isColoured) return element("b", {}, title);
  const swatch = element("i");
  swatch.style.background = `rgb(${CHANNEL_COLOURS[colourOf(name)].join()})`;
  return element("b", {}, swatch, title);
}

/**
 * Where a cell is on the page in this frame, also one without a trace by its label; null if its
 * outline is not there. For tests.
 * @param {number} cell
 */
export function positionOnPage(cell) {
  const outline = loadedOutlines(state.frame)?.cells.find(({ label }) => (state.index.cellOf(label, state.frame) ?? label) === cell);
  if (!outline) return null;
  const [pane] = panes;
  const { scale, x, y } = pane.transform();
  const ratio = window.devicePixelRatio || 1;
  const box = pane.canvas.getBoundingClientRect();
  const middle = middleOf(outline);
  return [box.left + (middle[0] * scale + x) / ratio, box.top + (middle[1] * scale + y) / ratio];
}
