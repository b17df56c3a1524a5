// Which frames and outlines are needed, and loading them ahead of time.

import { FrameCache } from "./frame_cache.js";
import { fetchFrame, fetchOutlines } from "./frame_requests.js";
import { groupOf, levelOf } from "./groups.js";
import { openSource, state } from "./state.js";

/** @typedef {import("./frame_requests.js").FramePixels} FramePixels */
/** @typedef {import("./frame_requests.js").FrameOutlines} FrameOutlines */
/** @typedef {{key: string, load: () => Promise<FramePixels | FrameOutlines>}} Needed */

const AHEAD = 12;
const AT_ONCE = 4;
/** @type {FrameCache<any>} */
const cache = new FrameCache(400e6);
/** In px; 0 follows every edge of a pixel. */
let outlineSpacing = 0;

/**
 * On small images, outlines need not follow every edge of a pixel.
 * @param {number} scale Pixels of the canvas per pixel of the full frame.
 */
export function setOutlineScale(scale) {
  outlineSpacing = scale < 2 ? 4 : 0;
}

/**
 * @param {string} name
 * @param {number} frame
 */
function frameNeeded(name, frame) {
  const { dir, fov } = openSource();
  const level = levelOf(name);
  const version = groupOf(name).levels[level];
  const asJpeg = state.slow && level === "1";
  const key = [dir, fov, name, frame, level, version, asJpeg].join("|");
  return { key, load: () => fetchFrame({ dir, fov, group: name, frame, level, version }, asJpeg) };
}

/**
 * Null where the field of view has no tracked cells.
 * @param {number} frame
 */
function outlinesNeeded(frame) {
  const { dir, fov, details } = openSource();
  const tracked = details.groups.find(({ kind, levels }) => kind === "seg_tracked" && levels["0"] !== undefined);
  if (!tracked) return null;
  const { channel, levels: { 0: version } } = tracked;
  const spacing = outlineSpacing;
  const key = ["outlines", dir, fov, channel, frame, spacing, version].join("|");
  return { key, load: () => fetchOutlines({ dir, fov, channel, frame, spacing, version }) };
}

/** @param {number} frame */
const picturesNeeded = (frame) => state.groups.map((name) => frameNeeded(name, frame));

/**
 * @param {number} frame
 * @returns {Array<Needed>}
 */
function allNeeded(frame) {
  const outlines = state.outlines ? outlinesNeeded(frame) : null;
  return [...picturesNeeded(frame), ...(outlines ? [outlines] : [])];
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
 * @param {number} frame
 * @returns {FrameOutlines | undefined}
 */
export function loadedOutlines(frame) {
  const needed = outlinesNeeded(frame);
  return needed ? cache.get(needed.key) : undefined;
}

/**
 * @param {number} frame
 * @returns {Promise<FrameOutlines | undefined>}
 */
export async function loadOutlines(frame) {
  const needed = outlinesNeeded(frame);
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
