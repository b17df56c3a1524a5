// The images: fetching ahead, drawing, zooming, playing.

import { element, find, say } from "./api.js";
import { Cache, Pane, loadFrame, loadOutlines, stretched } from "./images.js";
import { hue, number } from "./plot.js";
import { cellOf, isBad, state } from "./state.js";

const AHEAD = 12;
const AT_ONCE = 4;
const cache = new Cache();
const sight = { shape: [1, 1], zoom: 1, centre: [0.5, 0.5], pixelSize: null };
let panes = [];
let listeners = { pick: () => {}, frame: () => {} };
export const counts = { shown: 0, firstPicture: null };

export function setUp(given) {
  listeners = given;
  // Another size may need other outlines.
  new ResizeObserver(() => go(state.frame)).observe(find("panes"));
  find("frame").addEventListener("input", () => go(Number(find("frame").value)));
  find("previous").addEventListener("click", () => step(-1));
  find("next").addEventListener("click", () => step(1));
  find("play").addEventListener("click", toggle);
  find("zoom-in").addEventListener("click", () => zoomBy(1.5));
  find("zoom-out").addEventListener("click", () => zoomBy(1 / 1.5));
  find("zoom-fit").addEventListener("click", fit);
  for (const name of ["outlines", "ids"]) {
    find(name).addEventListener("change", (event) => { state[name] = event.target.checked; go(state.frame); });
  }
  find("slow").addEventListener("change", (event) => { state.slow = event.target.checked; go(state.frame); });
  find("level").addEventListener("change", (event) => { state.level = event.target.value; state.ranges.clear(); contrast(); go(state.frame); });
}

const groupOf = (name) => state.details.groups.find(({ group }) => group === name);

function place(name, frame) {
  const found = groupOf(name);
  const level = found.levels[state.level] !== undefined ? state.level : Object.keys(found.levels)[0];
  return { dir: state.dir, fov: state.fov, group: name, frame, level, version: found.levels[level] };
}

function outlinePlace(frame) {
  const found = state.details.groups.find(({ kind, levels }) => kind === "seg_tracked" && levels["0"] !== undefined);
  return found && { dir: state.dir, fov: state.fov, channel: found.channel, frame, spacing: spacing(), version: found.levels["0"] };
}

// From afar, outlines need not follow every edge of a pixel.
function spacing() {
  return panes.length && panes[0].transform().scale < 2 ? 4 : 0;
}

const keyOf = (where) => Object.values(where).join("|") + (state.slow ? "|s" : "");

function wanted(frame) {
  const asks = state.groups.map((name) => {
    const where = place(name, frame);
    return [keyOf(where), () => loadFrame(where, state.slow && where.level === "1")];
  });
  const where = state.outlines && outlinePlace(frame);
  if (where) asks.push([`outlines|${keyOf(where)}`, () => loadOutlines(where)]);
  return asks;
}

const ready = (frame) => wanted(frame).every(([key]) => cache.get(key));

async function load(frame) {
  await Promise.all(wanted(frame).map(([key, ask]) => cache.fetch(key, ask)));
}

let prefetching = false;
async function ahead() {
  if (prefetching) return;
  prefetching = true;
  for (let round = 0; round < AHEAD * 2; round++) {
    const n = state.details.shape[0];
    const order = Array.from({ length: AHEAD }, (_, i) => (state.frame + i + 1) % n);
    if (!state.playing) order.push((state.frame - 1 + n) % n, (state.frame - 2 + n) % n);
    const missing = order.filter((frame) => !ready(frame)).slice(0, AT_ONCE);
    if (!missing.length) break;
    try {
      await Promise.all(missing.map(load));
    } catch (error) {
      if (state.playing) {
        toggle();
        say(error.message, true);
      }
      break; // else it is told when the frame itself is shown
    }
  }
  prefetching = false;
}

let asked = 0;
export async function go(frame) {
  if (!state.details) return;
  const n = state.details.shape[0];
  state.frame = Math.max(0, Math.min(n - 1, frame));
  find("frame").value = state.frame;
  const mine = ++asked;
  const { details } = state;
  if (!ready(state.frame)) draw();
  try {
    // The picture need not wait for its outlines.
    const asks = wanted(state.frame);
    await Promise.all(asks.slice(0, state.groups.length).map(([key, ask]) => cache.fetch(key, ask)));
    if (mine !== asked || details !== state.details) return;
    if (!ready(state.frame)) {
      draw();
      await load(state.frame);
      if (mine !== asked || details !== state.details) return;
    }
    draw();
    ahead();
  } catch (error) {
    say(error.message, true);
  }
}

export const step = (by) => go(state.frame + by);

let last = 0;
export function toggle() {
  state.playing = !state.playing;
  find("play").setAttribute("aria-pressed", state.playing);
  find("play").textContent = state.playing ? "Pause" : "Play";
  last = 0;
  if (state.playing) {
    ahead();
    requestAnimationFrame(tick);
  }
}

function tick(now) {
  if (!state.playing) return;
  const pause = 1000 / Number(find("speed").value);
  const next = (state.frame + 1) % state.details.shape[0];
  if (now - last >= pause - 4) {
    if (ready(next)) {
      last = now;
      state.frame = next;
      find("frame").value = next;
      draw();
    }
    ahead();
  }
  requestAnimationFrame(tick);
}

export function open() {
  const [, height, width] = state.details.shape;
  sight.shape = [height, width];
  sight.pixelSize = state.dataset.pixel_size_um;
  const shown = state.details.groups.filter(({ kind }) => kind !== "seg_labeled" && kind !== "seg_tracked");
  const order = ["pc", "fl", "fl_background"];
  shown.sort((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind) || a.channel - b.channel);
  const names = shown.map(({ group }) => group);
  state.groups = state.groups.filter((name) => names.includes(name));
  if (!state.groups.length) state.groups = names.slice(0, 1);
  find("frame").max = state.details.shape[0] - 1;
  find("channels").replaceChildren(...shown.map(({ group }) => element("button", {
    "aria-pressed": state.groups.includes(group),
    onclick: (event) => {
      const on = !state.groups.includes(group);
      if (!on && state.groups.length === 1) return;
      state.groups = names.filter((name) => (name === group ? on : state.groups.includes(name)));
      event.target.setAttribute("aria-pressed", on);
      arrange();
    },
  }, title(group))));
  state.ranges.clear();
  arrange();
}

export function title(group) {
  const { kind, channel } = groupOf(group);
  const name = state.dataset.channels[channel] ?? channel;
  return kind === "fl_background" ? `${name} background` : name;
}

function arrange() {
  panes = state.groups.map((name) => new Pane(name, title(name), sight));
  find("panes").replaceChildren(...panes.map(({ box }) => box));
  for (const pane of panes) pane.resize();
  for (const pane of panes) listen(pane);
  contrast();
  go(state.frame);
}

function contrast() {
  find("contrast").replaceChildren(...state.groups.map((name) => {
    const low = element("input", { type: "range", min: 0, max: 1000, value: 0, "aria-label": `Black level of ${title(name)}` });
    const high = element("input", { type: "range", min: 0, max: 1000, value: 1000, "aria-label": `White level of ${title(name)}` });
    const shown = element("output");
    const change = () => {
      const span = spanOf(name);
      const [a, b] = [low, high].map(({ value }) => span[0] + ((span[1] - span[0]) * value) / 1000);
      state.ranges.set(name, [a, Math.max(b, a + (span[1] - span[0]) / 1000)]);
      shown.textContent = countsText(name);
      draw();
    };
    low.addEventListener("input", change);
    high.addEventListener("input", change);
    const automatic = element("button", { onclick: () => {
      const frame = cache.get(keyOf(place(name, state.frame)));
      if (!frame) return;
      state.ranges.set(name, stretched(frame));
      const span = spanOf(name);
      [low.value, high.value] = state.ranges.get(name).map((v) => (1000 * (v - span[0])) / (span[1] - span[0]));
      shown.textContent = countsText(name);
      draw();
    } }, "Auto");
    shown.textContent = countsText(name);
    return element("fieldset", {}, element("legend", {}, title(name)), low, high, automatic, shown);
  }));
}

// The preview runs from 0 to 255; a full frame from its darkest to twice its stretch.
function spanOf(name) {
  if (place(name, 0).level === "1" || state.slow) return [0, 255];
  const frame = cache.get(keyOf(place(name, state.frame)));
  if (!frame) return [0, 65535];
  const [low, high] = stretched(frame);
  return [low - (high - low), high + (high - low)];
}

function rangeOf(name, frame) {
  const chosen = state.ranges.get(name);
  if (chosen) return chosen;
  return place(name, 0).level === "1" ? [0, 255] : stretched(frame);
}

function countsText(name) {
  const { low, high } = groupOf(name);
  const range = state.ranges.get(name) ?? (place(name, 0).level === "1" ? [0, 255] : null);
  if (!range) return "automatic";
  const counts = place(name, 0).level === "1" && low !== null ? range.map((v) => low + ((high - low) * v) / 255) : range;
  return `${counts.map((v) => Math.round(v)).join("–")} counts`;
}

export function draw() {
  if (!state.details || !panes.length) return;
  for (const pane of panes) pane.resize();
  const found = outlinePlace(state.frame);
  const outlines = state.outlines && found ? cache.get(`outlines|${keyOf(found)}`) : null;
  for (const pane of panes) {
    const frame = cache.get(keyOf(place(pane.group, state.frame)));
    pane.box.classList.toggle("waiting", !frame); // for this frame; what is seen is an earlier one
    if (!frame) continue;
    pane.draw(frame, rangeOf(pane.group, frame), (context, scale) => outlines && overlay(context, scale, outlines));
    counts.firstPicture ??= performance.now();
  }
  const minutes = state.details.times_min[state.frame];
  find("time").textContent = `frame ${state.frame} of ${state.details.shape[0] - 1} · ${clock(minutes)}`;
  counts.shown++;
  listeners.frame(state.frame);
}

function clock(minutes) {
  return minutes >= 120 ? `${number(minutes / 60)} h` : `${number(minutes)} min`;
}

function overlay(context, scale, { cells }) {
  const thin = (window.devicePixelRatio || 1) / scale; // thicker lines take twice as long
  const chosen = [];
  const bad = new Path2D();
  const out = new Path2D();
  context.lineJoin = "bevel";
  context.lineWidth = thin;
  for (const entry of cells) {
    const cell = cellOf(entry.label, state.frame);
    if (cell !== null && (cell === state.cell || cell === state.other)) chosen.push([cell, entry]);
    else if (cell === null) out.addPath(entry.path);
    else if (isBad(cell, state.frame)) bad.addPath(entry.path);
    else {
      context.strokeStyle = `hsl(${hue(cell)} 100% 58%)`;
      context.stroke(entry.path);
    }
  }
  context.strokeStyle = "#7d93a8";
  context.lineWidth = thin;
  context.stroke(out);
  context.strokeStyle = "#ff6b5f";
  context.lineWidth = thin;
  context.setLineDash([4 * thin, 3 * thin]);
  context.stroke(bad);
  context.setLineDash([]);
  for (const [cell, entry] of chosen) {
    context.lineWidth = thin * 2.2;
    if (isBad(cell, state.frame)) context.setLineDash([6 * thin, 4 * thin]);
    context.strokeStyle = cell === state.cell ? "#ffd24a" : "#59d0ff";
    context.stroke(entry.path);
    context.setLineDash([]);
  }
  if (state.ids) names(context, cells, scale);
}

function names(context, cells, scale) {
  context.font = `${(12 * (window.devicePixelRatio || 1)) / scale}px system-ui, sans-serif`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillStyle = "#fff";
  for (const { label, box } of cells) {
    const cell = cellOf(label, state.frame);
    if (cell !== null) context.fillText(cell, (box[0] + box[2]) / 2, (box[1] + box[3]) / 2);
  }
}

// The label at a point of the frame that is shown, and that frame; undefined where there is none.
async function hit(x, y) {
  const { frame } = state;
  const where = outlinePlace(frame);
  const found = where && await cache.fetch(`outlines|${keyOf(where)}`, () => loadOutlines(where));
  const { context } = panes[0];
  context.save();
  context.setTransform(1, 0, 0, 1, 0, 0);
  const label = found?.cells.find(({ path, box }) => x >= box[0] && x <= box[2] && y >= box[1] && y <= box[3]
    && context.isPointInPath(path, x, y, "evenodd"))?.label;
  context.restore();
  return { label, frame };
}

// Where a cell is on the page in this frame; for the keyboard and for tests.
export function middle(cell) {
  const found = outlinePlace(state.frame);
  const entry = found && cache.get(`outlines|${keyOf(found)}`)?.cells.find(({ label }) => cellOf(label, state.frame) === cell);
  if (!entry) return null;
  const { scale, x, y } = panes[0].transform();
  const ratio = window.devicePixelRatio || 1;
  const box = panes[0].canvas.getBoundingClientRect();
  const at = [(entry.box[0] + entry.box[2]) / 2, (entry.box[1] + entry.box[3]) / 2];
  return [box.left + (at[0] * scale + x) / ratio, box.top + (at[1] * scale + y) / ratio];
}

function fit() {
  Object.assign(sight, { zoom: 1, centre: [0.5, 0.5] });
  go(state.frame);
}

export function zoomBy(factor, at = null, pane = panes[0]) {
  if (!pane) return;
  const [height, width] = sight.shape;
  const point = at ? pane.toImage(at) : [sight.centre[0] * width, sight.centre[1] * height];
  const zoom = Math.max(0.5, Math.min(64, sight.zoom * factor));
  const kept = sight.zoom / zoom;
  const relative = [point[0] / width, point[1] / height];
  sight.centre = sight.centre.map((c, i) => relative[i] + (c - relative[i]) * kept);
  sight.zoom = zoom;
  go(state.frame);
}

export { fit };

function listen(pane) {
  const { canvas } = pane;
  let from = null;
  let moved = false;
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoomBy(1.0015 ** -event.deltaY, event, pane);
  }, { passive: false });
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    from = [event.clientX, event.clientY];
    moved = false;
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!from) return;
    const by = [event.clientX - from[0], event.clientY - from[1]];
    if (!moved && Math.hypot(...by) < 4) return;
    moved = true;
    from = [event.clientX, event.clientY];
    const ratio = window.devicePixelRatio || 1;
    const { scale } = pane.transform();
    const [height, width] = sight.shape;
    sight.centre = [sight.centre[0] - (by[0] * ratio) / scale / width, sight.centre[1] - (by[1] * ratio) / scale / height];
    draw();
  });
  canvas.addEventListener("pointerup", (event) => {
    if (from && !moved) listeners.pick(hit(...pane.toImage(event)), event.shiftKey);
    from = null;
  });
}
