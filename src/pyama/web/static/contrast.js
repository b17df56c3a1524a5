// Contrast: black and white in counts. The server sends both, and the range to choose from.

import { element, find, get, showingErrors } from "./api.js";
import { groupOf, levelOf } from "./frames.js";
import { state } from "./state.js";

const STEPS = 1000;

// The counts that are drawn black and white.
function levelsOf(name) {
  const { low, high } = groupOf(name);
  return state.ranges.get(name) ?? [low, high];
}

// The same in pixel values of a frame: a preview runs from 0 (low) to 255 (high).
export function pixelRange(name) {
  const levels = levelsOf(name);
  if (levelOf(name) === "0") return levels;
  const { low, high } = groupOf(name);
  return high > low ? levels.map((counts) => (255 * (counts - low)) / (high - low)) : [0, 255];
}

// Builds the sliders of all groups that are shown; `changed` is called after each change.
export function contrastControls(titleOf, changed) {
  find("contrast").replaceChildren(...state.groups.map((name) => controlsOf(name, titleOf(name), changed)));
}

function controlsOf(name, title, changed) {
  const [least, most] = groupOf(name).ranges[levelOf(name)];
  const step = (most - least) / STEPS;
  const slider = (which) => element("input", { type: "range", min: 0, max: STEPS, "aria-label": `${which} level of ${title}` });
  const sliders = [slider("Black"), slider("White")];
  const text = element("output");
  const show = () => { text.textContent = `${levelsOf(name).map((v) => Math.round(v)).join("–")} counts`; };
  const place = () => levelsOf(name).forEach((counts, i) => { sliders[i].value = step ? (counts - least) / step : i * STEPS; });
  const choose = ([black, white]) => {
    state.ranges.set(name, [black, Math.max(white, black + step)]);
    show();
    changed();
  };
  for (const input of sliders) input.addEventListener("input", () => choose(sliders.map(({ value }) => least + step * value)));
  const automatic = showingErrors(async () => {
    const { details, dir, fov, frame } = state;
    const { low, high } = await get(`fovs/${fov}/frames/${name}/${frame}/contrast`, { dir, level: levelOf(name) });
    if (details !== state.details) return;
    choose([low, high]);
    place();
  });
  place();
  show();
  return element("fieldset", {}, element("legend", {}, title), ...sliders,
    element("button", { title: "Contrast of this frame alone", onclick: automatic }, "Auto"), text);
}
