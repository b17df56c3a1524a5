// Controls of the contrast: black and white in counts, those of the whole stack until the user
// chooses others, which are kept for all fields of view and levels, and over reloads.

import { element, find, showErrorsOf } from "./elements.js";
import { groupOf, levelOf, titleOf } from "./groups.js";
import { STEPS, readRanges, separate, toCounts, toPixelValues, toSlider } from "./grey_levels.js";
import { get } from "./requests.js";
import { openSource, state } from "./state.js";

/**
 * Counts that are drawn black and white.
 * @param {string} name
 * @returns {[number, number]}
 */
function rangeOf(name) {
  const { low, high } = groupOf(name);
  return state.ranges.get(name) ?? [low ?? 0, high ?? 0];
}

/**
 * The same in pixel values of the level that is shown.
 * @param {string} name
 */
export function pixelRange(name) {
  return toPixelValues(rangeOf(name), levelOf(name), groupOf(name));
}

/** Where the ranges of an output folder are kept in the browser. */
function storageKey() {
  const { dir, dataset } = openSource();
  return `pyama-contrast ${dir} ${dataset.recording}`;
}

/** Takes the ranges that were chosen for this output folder before. */
export function restoreRanges() {
  state.ranges = readRanges(localStorage.getItem(storageKey()));
}

/**
 * Makes the sliders of all groups that are shown.
 * @param {() => void} redraw Called after each change.
 */
export function showContrastControls(redraw) {
  find("contrast").replaceChildren(...state.groups.map((name) => makeControls(name, redraw)));
}

/**
 * @param {string} name
 * @param {() => void} redraw
 */
function makeControls(name, redraw) {
  const title = titleOf(name);
  const ends = groupOf(name).ranges[levelOf(name)];
  const [black, white] = ["Black", "White"].map((which) =>
    element("input", { type: "range", min: 0, max: STEPS, "aria-label": `${which} level of ${title}` }));
  const reset = element("button", { title: "Contrast of all frames of a field of view" }, "Whole stack");
  const text = element("output");
  const show = () => {
    const [low, high] = rangeOf(name);
    black.value = `${toSlider(low, ends, 0)}`;
    white.value = `${toSlider(high, ends, STEPS)}`;
    reset.disabled = !state.ranges.has(name);
    text.textContent = `${Math.round(low)}–${Math.round(high)} counts`;
  };
  const choose = (/** @type {[number, number] | null} */ range) => {
    if (range) state.ranges.set(name, separate(range, ends));
    else state.ranges.delete(name);
    show();
    redraw();
    localStorage.setItem(storageKey(), JSON.stringify(Object.fromEntries(state.ranges)));
  };
  black.addEventListener("input", () => choose([toCounts(Number(black.value), ends), rangeOf(name)[1]]));
  white.addEventListener("input", () => choose([rangeOf(name)[0], toCounts(Number(white.value), ends)]));
  reset.addEventListener("click", () => choose(null));
  const chooseByFrame = showErrorsOf(async () => {
    const range = await requestContrast(name);
    if (range) choose(range);
  });
  show();
  return element("fieldset", {}, element("legend", {}, title), black, white,
    element("button", { title: "Contrast of this frame alone", onclick: chooseByFrame }, "Auto"), reset, text);
}

/**
 * The contrast of the frame that is shown; null if something else was opened meanwhile.
 * @param {string} name
 * @returns {Promise<[number, number] | null>}
 */
async function requestContrast(name) {
  const source = openSource();
  const { dir, fov } = source;
  const { low, high } = await get(`fovs/${fov}/frames/${name}/${state.frame}/contrast`, { dir, level: levelOf(name) });
  return source === state.source ? [low, high] : null;
}
