// The images: channels side by side, moving through time, playing.

import { element, find, say } from "./api.js";
import { contrastControls, pixelRange } from "./contrast.js";
import { cachedFrame, cachedOutlines, groupOf, isReady, load, loadPictures, prefetch } from "./frames.js";
import { drawOutlines, labelAt, middle } from "./overlay.js";
import { Pane } from "./pane.js";
import { number } from "./plot.js";
import { state } from "./state.js";
import { fitFrame, listenToButtons, listenToPointer, viewport, zoomAround } from "./viewport.js";

export { middle };
export const counts = { shown: 0, firstPicture: null };
let listeners = { pick: () => {}, frame: () => {} };

const redo = () => go(state.frame);

export function setUp(given) {
  listeners = given;
  // After a change of size, outlines may be needed in another resolution.
  new ResizeObserver(redo).observe(find("panes"));
  find("frame").addEventListener("input", () => go(Number(find("frame").value)));
  find("previous").addEventListener("click", () => step(-1));
  find("next").addEventListener("click", () => step(1));
  find("play").addEventListener("click", toggle);
  listenToButtons(redo);
  for (const name of ["outlines", "ids", "slow"]) {
    find(name).addEventListener("change", (event) => { state[name] = event.target.checked; redo(); });
  }
  find("level").addEventListener("change", (event) => {
    state.level = event.target.value;
    state.ranges.clear();
    contrastControls(title, draw);
    redo();
  });
}

export function open() {
  const [n, height, width] = state.details.shape;
  viewport.shape = [height, width];
  viewport.pixelSize = state.dataset.pixel_size_um;
  const shown = state.details.groups.filter(({ kind }) => kind !== "seg_labeled" && kind !== "seg_tracked");
  const order = ["pc", "fl", "fl_background"];
  shown.sort((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind) || a.channel - b.channel);
  const names = shown.map(({ group }) => group);
  state.groups = state.groups.filter((name) => names.includes(name));
  if (!state.groups.length) state.groups = names.slice(0, 1);
  find("frame").max = n - 1;
  find("channels").replaceChildren(...names.map((name) => channelButton(name, names)));
  state.ranges.clear();
  arrange();
}

// Shows or hides a channel; at least one stays visible.
function channelButton(name, names) {
  return element("button", {
    "aria-pressed": state.groups.includes(name),
    onclick: ({ target }) => {
      const on = !state.groups.includes(name);
      if (!on && state.groups.length === 1) return;
      state.groups = names.filter((other) => (other === name ? on : state.groups.includes(other)));
      target.setAttribute("aria-pressed", on);
      arrange();
    },
  }, title(name));
}

export function title(group) {
  const { kind, channel } = groupOf(group);
  const name = state.dataset.channels[channel] ?? channel;
  return kind === "fl_background" ? `${name} background` : name;
}

function arrange() {
  const panes = state.groups.map((name) => new Pane(name, title(name)));
  viewport.panes = panes;
  find("panes").replaceChildren(...panes.map(({ box }) => box));
  for (const pane of panes) pane.resize();
  const clicked = (x, y, isOther) => listeners.pick(labelAt(x, y), isOther);
  for (const pane of panes) listenToPointer(pane, { zoomed: redo, moved: draw, clicked });
  contrastControls(title, draw);
  redo();
}

let asked = 0;
export async function go(frame) {
  if (!state.details) return;
  const n = state.details.shape[0];
  state.frame = Math.max(0, Math.min(n - 1, frame));
  find("frame").value = state.frame;
  const mine = ++asked;
  const { details } = state;
  const isLast = () => mine === asked && details === state.details;
  if (!isReady(state.frame)) draw();
  try {
    // The picture does not wait for its outlines.
    await loadPictures(state.frame);
    if (!isLast()) return;
    if (!isReady(state.frame)) {
      draw();
      await load(state.frame);
      if (!isLast()) return;
    }
    draw();
    prefetch(stopPlaying);
  } catch (error) {
    say(error.message, true);
  }
}

export const step = (by) => go(state.frame + by);

export function zoomBy(factor) {
  zoomAround(factor);
  redo();
}

export function fit() {
  fitFrame();
  redo();
}

export function draw() {
  const { panes } = viewport;
  if (!state.details || !panes.length) return;
  for (const pane of panes) pane.resize();
  const outlines = state.outlines ? cachedOutlines(state.frame) : null;
  for (const pane of panes) {
    const isLost = groupOf(pane.group)?.not_recorded.includes(state.frame);
    pane.label.textContent = isLost ? `${pane.title}: not recorded` : pane.title;
    const frame = cachedFrame(pane.group, state.frame);
    pane.box.classList.toggle("waiting", !frame); // an earlier frame is still visible
    if (!frame) continue;
    pane.draw(frame, pixelRange(pane.group), (context, scale) => outlines && drawOutlines(context, outlines, scale));
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

let last = 0;
export function toggle() {
  state.playing = !state.playing;
  find("play").setAttribute("aria-pressed", state.playing);
  find("play").textContent = state.playing ? "Pause" : "Play";
  last = 0;
  if (state.playing) {
    prefetch(stopPlaying);
    requestAnimationFrame(tick);
  }
}

// While nothing plays, an error is shown when its frame is reached.
function stopPlaying(error) {
  if (!state.playing) return;
  toggle();
  say(error.message, true);
}

function tick(now) {
  if (!state.playing) return;
  const pause = 1000 / Number(find("speed").value);
  const next = (state.frame + 1) % state.details.shape[0];
  if (now - last >= pause - 4) {
    if (isReady(next)) {
      last = now;
      state.frame = next;
      find("frame").value = next;
      draw();
    }
    prefetch(stopPlaying);
  }
  requestAnimationFrame(tick);
}
