// Which frames and outlines are needed, and fetching them ahead of time.

import { Cache, loadFrame, loadOutlines } from "./fetching.js";
import { state } from "./state.js";
import { viewport } from "./viewport.js";

const AHEAD = 12;
const AT_ONCE = 4;
const cache = new Cache();

export const groupOf = (name) => state.details.groups.find(({ group }) => group === name);

// The chosen level, or the only one that is finished.
export function levelOf(name) {
  const { levels } = groupOf(name);
  return levels[state.level] !== undefined ? state.level : Object.keys(levels)[0];
}

function framePlace(name, frame) {
  const level = levelOf(name);
  return { dir: state.dir, fov: state.fov, group: name, frame, level, version: groupOf(name).levels[level] };
}

function outlinesPlace(frame) {
  const tracked = state.details.groups.find(({ kind, levels }) => kind === "seg_tracked" && levels["0"] !== undefined);
  return tracked && { dir: state.dir, fov: state.fov, channel: tracked.channel, frame, spacing: spacing(), version: tracked.levels["0"] };
}

// On small images, outlines need not follow every edge of a pixel.
function spacing() {
  const [pane] = viewport.panes;
  return pane && pane.transform().scale < 2 ? 4 : 0;
}

const keyOf = (where) => Object.values(where).join("|") + (state.slow ? "|s" : "");
const outlinesKey = (where) => `outlines|${keyOf(where)}`;

function pictureRequests(frame) {
  return state.groups.map((name) => {
    const where = framePlace(name, frame);
    return [keyOf(where), () => loadFrame(where, state.slow && where.level === "1")];
  });
}

function requests(frame) {
  const where = state.outlines && outlinesPlace(frame);
  return [...pictureRequests(frame), ...(where ? [[outlinesKey(where), () => loadOutlines(where)]] : [])];
}

const fetchAll = (asks) => Promise.all(asks.map(([key, ask]) => cache.fetch(key, ask)));
export const loadPictures = (frame) => fetchAll(pictureRequests(frame));
export const load = (frame) => fetchAll(requests(frame));
export const isReady = (frame) => requests(frame).every(([key]) => cache.get(key));
export const cachedFrame = (name, frame) => cache.get(keyOf(framePlace(name, frame)));

export function cachedOutlines(frame) {
  const where = outlinesPlace(frame);
  return where && cache.get(outlinesKey(where));
}

export async function fetchOutlines(frame) {
  const where = outlinesPlace(frame);
  return where && cache.fetch(outlinesKey(where), () => loadOutlines(where));
}

let isPrefetching = false;

// Fetches the frames that are likely to be shown next. `failed` is called with an error.
export async function prefetch(failed) {
  if (isPrefetching) return;
  isPrefetching = true;
  for (let round = 0; round < AHEAD * 2; round++) {
    const n = state.details.shape[0];
    const order = Array.from({ length: AHEAD }, (_, i) => (state.frame + i + 1) % n);
    if (!state.playing) order.push((state.frame - 1 + n) % n, (state.frame - 2 + n) % n);
    const missing = order.filter((frame) => !isReady(frame)).slice(0, AT_ONCE);
    if (!missing.length) break;
    try {
      await Promise.all(missing.map(load));
    } catch (error) {
      failed(error);
      break;
    }
  }
  isPrefetching = false;
}
