// Which frames, contrasts and outlines are needed, and loading them ahead of time.

import { FrameCache } from "./frame_cache.js";
import { fetchContrast, fetchFrame, fetchOutlines } from "./frame_requests.js";
import { contrastOf, stackOf, pixelsOf, rangeOf } from "./stacks.js";
import { openSource, state } from "./state.js";
import { outlineSpacingAt } from "./viewport.js";

/** @typedef {import("./frame_requests.js").FramePixels} FramePixels */
/** @typedef {import("./frame_requests.js").FrameOutlines} FrameOutlines */
/** @typedef {import("./frame_requests.js").FrameContrast} FrameContrast */
/** @typedef {{key: string, load: () => Promise<FramePixels | FrameContrast | FrameOutlines>}} Needed */

const AHEAD = 12;
const AT_ONCE = 4;
/** @type {FrameCache<any>} */
const cache = new FrameCache(400e6);
/** In px; 0 follows every edge of a pixel. */
let outlineSpacing = 0;

/** @param {number} scale Pixels of the canvas per pixel of the full frame. */
export function setOutlineScale(scale) {
  outlineSpacing = outlineSpacingAt(scale);
}

/**
 * @param {string} name
 * @param {number} frame
 */
function frameNeeded(name, frame) {
  const { dir, fov } = openSource();
  const source = pixelsOf(name);
  const key = [dir, fov, name, frame, ...Object.values(source)].join("|");
  return { key, load: () => fetchFrame({ dir, fov, group: name, frame }, source) };
}

/**
 * The contrast of a frame alone, from the full frame if there is one.
 * @param {string} name
 * @param {number} frame
 */
function contrastNeeded(name, frame) {
  const { dir, fov } = openSource();
  const { levels } = stackOf(name);
  const level = levels["0"] === undefined ? "1" : "0";
  const key = ["contrast", dir, fov, name, frame, level, levels[level]].join("|");
  return { key, load: () => fetchContrast({ dir, fov, group: name, frame }, level) };
}

/**
 * Null where the field of view has no such labels.
 * @param {number} frame
 * @param {Api.LabelKind} kind
 */
function outlinesNeeded(frame, kind) {
  const { dir, fov } = openSource();
  const group = labelsOf(kind);
  if (!group) return null;
  const { channel, levels: { 0: version } } = group;
  const spacing = outlineSpacing;
  const key = ["outlines", kind, dir, fov, channel, frame, spacing, version].join("|");
  return { key, load: () => fetchOutlines({ dir, fov, channel, frame, kind, spacing, version }) };
}

/**
 * The stack of labels that is finished.
 * @param {Api.LabelKind} kind
 */
export function labelsOf(kind) {
  return openSource().details.groups.find((group) => group.kind === `seg_${kind}` && group.levels["0"] !== undefined);
}

/**
 * @param {number} frame
 * @returns {Array<Needed>}
 */
function picturesNeeded(frame) {
  const autos = state.groups.filter((name) => rangeOf(name) === null);
  return [...state.groups.map((name) => frameNeeded(name, frame)), ...autos.map((name) => contrastNeeded(name, frame))];
}

/**
 * @param {number} frame
 * @returns {Array<Needed>}
 */
function allNeeded(frame) {
  const outlines = shownKinds().map((kind) => outlinesNeeded(frame, kind)).filter((needed) => needed !== null);
  return [...picturesNeeded(frame), ...outlines];
}

/**
 * Which labels are drawn as outlines; those before tracking are drawn below the others.
 * @returns {Array<Api.LabelKind>}
 */
export function shownKinds() {
  const kinds = /** @type {const} */ (["labeled", "tracked"]);
  return kinds.filter((kind) => (kind === "labeled" ? state.labeled : state.outlines));
}

/** @param {Array<Needed>} needed */
const loadAll = (needed) => Promise.all(needed.map(({ key, load }) => cache.fetch(key, load)));

/** @param {number} frame */
export const loadPictures = (frame) => loadAll(picturesNeeded(frame));

/**
 * Loads pictures and outlines.
 * @param {number} frame
 */
export const loadFrame = (frame) => loadAll(allNeeded(frame));

/** @param {number} frame */
export const isLoaded = (frame) => allNeeded(frame).every(({ key }) => cache.get(key));

/**
 * @param {string} name
 * @param {number} frame
 * @returns {FramePixels | undefined}
 */
export const loadedFrame = (name, frame) => cache.get(frameNeeded(name, frame).key);

/**
 * Counts that are drawn black and white in a frame.
 * @param {string} name
 * @param {number} frame
 * @returns {[number, number]}
 */
export function shownRange(name, frame) {
  const { low, high } = contrastOf(name);
  return rangeOf(name) ?? cache.get(contrastNeeded(name, frame).key)?.range ?? [low, high];
}

/**
 * @param {number} frame
 * @param {Api.LabelKind} kind
 * @returns {FrameOutlines | undefined}
 */
export function loadedOutlines(frame, kind = "tracked") {
  const needed = outlinesNeeded(frame, kind);
  return needed ? cache.get(needed.key) : undefined;
}

/**
 * @param {number} frame
 * @returns {Promise<FrameOutlines | undefined>}
 */
export async function loadOutlines(frame) {
  const needed = outlinesNeeded(frame, "tracked");
  return needed ? cache.fetch(needed.key, needed.load) : undefined;
}

/**
 * Frames that are likely to be shown next, the likeliest first.
 * @param {number} frame
 * @param {number} n Number of frames.
 * @param {boolean} playing
 */
export function nextFrames(frame, n, playing) {
  const order = Array.from({ length: AHEAD }, (_, i) => (frame + i + 1) % n);
  if (!playing) order.push((frame - 1 + n) % n, (frame - 2 + 2 * n) % n);
  return order;
}

let isPreloading = false;

/**
 * Loads the frames that are likely to be shown next, until one fails.
 * @param {(error: unknown) => void} showFailure
 */
export async function preloadFrames(showFailure) {
  if (isPreloading) return;
  isPreloading = true;
  try {
    for (let round = 0; round < AHEAD * 2; round++) {
      const missing = nextFrames(state.frame, openSource().details.shape[0], state.playing).filter((frame) => !isLoaded(frame));
      if (!missing.length) break;
      await Promise.all(missing.slice(0, AT_ONCE).map(loadFrame));
    }
  } catch (error) {
    showFailure(error);
  } finally {
    isPreloading = false;
  }
}
