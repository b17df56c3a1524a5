// What users choose to see is kept in the browser: channels and colours for each output folder,
// everything else for all of them.

import { readSaved, save } from "./browser_storage.js";
import { CHANNEL_COLOURS } from "./colours.js";
import { find } from "./elements.js";
import { makePalette } from "./grey_levels.js";
import { stackOf, shownStacks } from "./stacks.js";
import { openSource, state } from "./state.js";

const STORAGE_KEY = "pyama-view";
const TICKED = /** @type {const} */ (["outlines", "labeled", "ids", "slow"]);

/** Takes the choices that were made before, for all folders. */
export function restoreChoices() {
  const kept = Object(readSaved(STORAGE_KEY));
  for (const name of TICKED) if (typeof kept[name] === "boolean") state[name] = kept[name];
  if (kept.level === "0" || kept.level === "1") state.level = kept.level;
  state.overlay = kept.overlay === true;
  for (const name of TICKED) find(name).checked = state[name];
  find("level").value = state.level;
  find("layout").value = state.overlay ? "overlay" : "side";
}

/**
 * Carries out choices in the bar of the images, and keeps them.
 * @param {{reload: () => void, rearrange: () => void}} actions
 */
export function listenToChoices({ reload, rearrange }) {
  const keep = () => {
    const { level, overlay } = state;
    const ticked = Object.fromEntries(TICKED.map((name) => [name, state[name]]));
    save(STORAGE_KEY, { ...ticked, level, overlay });
  };
  for (const name of TICKED) {
    find(name).addEventListener("change", () => { state[name] = find(name).checked; keep(); reload(); });
  }
  find("level").addEventListener("change", () => {
    state.level = /** @type {Api.Level} */ (find("level").value);
    keep();
    reload();
  });
  find("layout").addEventListener("change", () => { state.overlay = find("layout").value === "overlay"; keep(); rearrange(); });
}

/** Where the channels of an output folder are kept in the browser. */
function channelsKey() {
  const { dir, dataset } = openSource();
  return `pyama-channels ${dir} ${dataset.recording}`;
}

/** Takes the channels and colours that were chosen for this output folder before. */
export function restoreChannels() {
  const { shown, colours } = Object(readSaved(channelsKey()));
  const names = shownStacks();
  const chosen = names.filter((name) => (Array.isArray(shown) ? shown : state.groups).includes(name));
  state.groups = chosen.length ? chosen : names.slice(0, 1);
  const known = Object.entries(Object(colours)).filter(([, colour]) => typeof colour === "string" && colour in CHANNEL_COLOURS);
  state.colours = new Map(/** @type {Array<[string, string]>} */ (known));
}

export function keepChannels() {
  const kept = { shown: state.groups, colours: Object.fromEntries(state.colours) };
  save(channelsKey(), kept);
}

/** Colours in the order of fluorescence channels. */
const IN_ORDER = ["magenta", "green", "cyan", "yellow", "blue", "orange"];

/**
 * The name of the colour of a stack where several are drawn on top of each other.
 * @param {string} name
 */
export function colourOf(name) {
  const chosen = state.colours.get(name);
  if (chosen) return chosen;
  const { kind, channel } = stackOf(name);
  const place = openSource().dataset.fl.indexOf(channel);
  return kind === "pc" || place < 0 ? "grey" : IN_ORDER[place % IN_ORDER.length];
}

const palettes = Object.fromEntries(Object.entries(CHANNEL_COLOURS).map(([name, colour]) => [name, makePalette(colour)]));

/** @param {string} name Of a stack. */
export const paletteOf = (name) => palettes[colourOf(name)];
