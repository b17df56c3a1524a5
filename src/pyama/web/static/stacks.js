// The stacks of the field of view that is open: which there are, their titles, the contrast that
// is wanted, and which pixels show it.

import { previewShows } from "./grey_levels.js";
import { openSource, state } from "./state.js";

/** Stacks that can be shown, in the order of their buttons. */
const KINDS = ["pc", "fl", "fl_background"];

/** @returns {Array<string>} Names of the stacks that can be shown. */
export function shownStacks() {
  const groups = openSource().details.groups.filter(({ kind }) => KINDS.includes(kind));
  groups.sort((a, b) => KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind) || a.channel - b.channel);
  return groups.map(({ group }) => group);
}

/**
 * @param {string} name
 * @throws {Error} The field of view has no such stack.
 */
export function stackOf(name) {
  const group = openSource().details.groups.find((entry) => entry.group === name);
  if (!group) throw new Error(`This field of view has no stack ${name}.`);
  return group;
}

/**
 * The level that the user chose, or the only one that is finished.
 * @param {string} name
 */
export function levelOf(name) {
  const { levels } = stackOf(name);
  return levels[state.level] === undefined ? /** @type {Api.Level} */ (Object.keys(levels)[0]) : state.level;
}

/** @param {string} name */
export function titleOf(name) {
  const { kind, channel } = stackOf(name);
  const title = openSource().dataset.channels[channel] ?? `${channel}`;
  return kind === "fl_background" ? `${title} background` : title;
}

/**
 * The contrast of a stack in all fields of view, until the user chooses another.
 * @param {string} name
 * @returns {Api.GreyRange}
 */
export function contrastOf(name) {
  return openSource().dataset.contrasts[name] ?? { low: 0, high: 0, least: 0, most: 0 };
}

/**
 * Counts that are drawn black and white; null where every frame has its own.
 * @param {string} name
 * @returns {[number, number] | null}
 */
export function rangeOf(name) {
  const chosen = state.ranges.get(name);
  if (chosen === "auto") return null;
  const { low, high } = contrastOf(name);
  return chosen ?? [low, high];
}

/**
 * Which pixels show a stack.
 * @typedef {object} PixelSource
 * @property {Api.Level} level
 * @property {boolean} reduced Whether full frames are reduced to the size of previews.
 * @property {boolean} asJpeg
 * @property {[number, number] | null} scale Counts that the pixel values 0 and 255 stand for;
 *   null if the values are counts.
 * @property {string} version
 */

/**
 * Previews where they show the range of counts that is wanted, else full frames: reduced, unless
 * the user wants them in full.
 * @param {string} name
 * @returns {PixelSource}
 */
export function pixelsOf(name) {
  const { levels, low, high } = stackOf(name);
  const range = rangeOf(name);
  const hasFull = levels["0"] !== undefined;
  const reduced = state.level === "1" && hasFull && (levels["1"] === undefined || !range || !previewShows(range, { low, high }));
  const level = reduced ? "0" : levelOf(name);
  const asJpeg = state.slow && (reduced || level === "1");
  const scale = level === "1" ? /** @type {[number, number]} */ ([low ?? 0, high ?? 0]) : asJpeg ? jpegScale(name, range) : null;
  return { level, reduced, asJpeg, scale, version: levels[level] };
}

/**
 * The counts from black to white in a JPEG: as few different ones as possible, because every other
 * one is sent again.
 * @param {string} name
 * @param {[number, number] | null} range
 * @returns {[number, number]}
 */
function jpegScale(name, range) {
  const { low, high, least, most } = contrastOf(name);
  return range && low <= range[0] && range[1] <= high ? [low, high] : [least, most];
}
