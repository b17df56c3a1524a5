// Controls of the contrast: black and white in counts. At first they are the same in all fields of
// view and frames. What the user chooses is kept for all fields of view and levels, and over reloads.

import { readSaved, save } from "./browser_storage.js";
import { CHANNEL_COLOURS } from "./colours.js";
import { element, fillSelect, find } from "./elements.js";
import { shownRange } from "./frames.js";
import { contrastOf, rangeOf, titleOf } from "./stacks.js";
import { STEPS, readRanges, separate, toCounts, toSlider } from "./grey_levels.js";
import { openSource, state } from "./state.js";
import { colourOf, keepChannels } from "./view_choices.js";

/** Where the ranges of an output folder are kept in the browser. */
function storageKey() {
  const { dir, dataset } = openSource();
  return `pyama-contrast ${dir} ${dataset.recording}`;
}

/** Takes the ranges that were chosen for this output folder before. */
export function restoreRanges() {
  state.ranges = readRanges(readSaved(storageKey()));
}

/** @type {Array<() => void>} */
let showAll = [];

/** Shows the counts that are drawn black and white in this frame. */
export function showRanges() {
  for (const show of showAll) show();
}

/**
 * Makes the controls of all groups that are shown.
 * @param {() => void} reload Called after each change, which may need other pixels.
 */
export function showContrastControls(reload) {
  const made = state.groups.map((name) => makeControls(name, reload));
  find("contrast").replaceChildren(...made.map(({ box }) => box));
  showAll = made.map(({ show }) => show);
}

/**
 * @param {string} name
 * @param {() => void} reload
 */
function makeControls(name, reload) {
  const title = titleOf(name);
  const { least, most } = contrastOf(name);
  /** @type {[number, number]} */
  const ends = [least, most];
  const [black, white] = ["Black", "White"].map((which) =>
    element("input", { type: "range", min: 0, max: STEPS, title: `${which}: counts that are drawn ${which.toLowerCase()}`, "aria-label": `${which} level of ${title}` }));
  const auto = element("button", { title: `${title}: every frame has its own contrast, so that grey values of different frames cannot be compared` }, "Auto per view");
  const reset = element("button", { title: `${title}: one contrast for all fields of view and frames` }, "Whole data set");
  const text = element("output", { ariaLive: "off" });
  const shown = () => shownRange(name, state.frame);
  const show = () => {
    const [low, high] = shown();
    black.value = `${toSlider(low, ends, 0)}`;
    white.value = `${toSlider(high, ends, STEPS)}`;
    reset.disabled = !state.ranges.has(name);
    auto.setAttribute("aria-pressed", `${rangeOf(name) === null}`);
    text.textContent = `${Math.round(low)}–${Math.round(high)} counts`;
  };
  const choose = (/** @type {[number, number] | "auto" | null} */ range) => {
    if (range === null) state.ranges.delete(name);
    else state.ranges.set(name, range === "auto" ? range : separate(range, ends));
    save(storageKey(), Object.fromEntries(state.ranges));
    show();
    reload();
  };
  black.addEventListener("input", () => choose([toCounts(Number(black.value), ends), shown()[1]]));
  white.addEventListener("input", () => choose([shown()[0], toCounts(Number(white.value), ends)]));
  auto.addEventListener("click", () => choose(rangeOf(name) === null ? null : "auto"));
  reset.addEventListener("click", () => choose(null));
  show();
  const colour = state.overlay && state.groups.length > 1 ? [makeColourChoice(name, reload)] : [];
  return { box: element("fieldset", {}, element("legend", {}, title), ...colour, element("label", {}, "black ", black), element("label", {}, "white ", white), auto, reset, text), show };
}

/**
 * @param {string} name
 * @param {() => void} reload
 */
function makeColourChoice(name, reload) {
  const select = element("select", { "aria-label": `Colour of ${titleOf(name)}` });
  fillSelect(select, Object.keys(CHANNEL_COLOURS).map((colour) => [colour, colour]), colourOf(name));
  select.addEventListener("change", () => {
    state.colours.set(name, select.value);
    keepChannels();
    reload();
  });
  return select;
}
