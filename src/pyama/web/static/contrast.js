// Controls of the contrast: black and white in counts. The server sends both, and the range to
// choose from.

import { element, find, showErrorsOf } from "./elements.js";
import { groupOf, levelOf, titleOf } from "./groups.js";
import { STEPS, separate, toCounts, toPixelValues, toSlider } from "./grey_levels.js";
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
  const text = element("output");
  const showCounts = () => { text.textContent = `${rangeOf(name).map((counts) => Math.round(counts)).join("–")} counts`; };
  const moveSliders = () => {
    const [low, high] = rangeOf(name);
    black.value = `${toSlider(low, ends, 0)}`;
    white.value = `${toSlider(high, ends, STEPS)}`;
  };
  const choose = (/** @type {[number, number]} */ range) => {
    state.ranges.set(name, range);
    showCounts();
    redraw();
  };
  for (const slider of [black, white]) {
    slider.addEventListener("input", () => choose(toCounts([Number(black.value), Number(white.value)], ends)));
  }
  const chooseByFrame = showErrorsOf(async () => {
    const source = openSource();
    const { low, high } = await get(`fovs/${source.fov}/frames/${name}/${state.frame}/contrast`, { dir: source.dir, level: levelOf(name) });
    if (source !== state.source) return;
    choose(separate([low, high], (ends[1] - ends[0]) / STEPS));
    moveSliders();
  });
  moveSliders();
  showCounts();
  return element("fieldset", {}, element("legend", {}, title), black, white,
    element("button", { title: "Contrast of this frame alone", onclick: chooseByFrame }, "Auto"), text);
}
