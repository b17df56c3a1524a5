// The visible part of a frame. All panes share it, so they zoom and move together.

import { find } from "./api.js";

export const viewport = { shape: [1, 1], zoom: 1, centre: [0.5, 0.5], pixelSize: null, panes: [] };

export function fitFrame() {
  Object.assign(viewport, { zoom: 1, centre: [0.5, 0.5] });
}

// Zooms by a factor around the position of a mouse event, or around the centre.
export function zoomAround(factor, event = null, pane = viewport.panes[0]) {
  if (!pane) return;
  const [height, width] = viewport.shape;
  const point = event ? pane.toImage(event) : [viewport.centre[0] * width, viewport.centre[1] * height];
  const zoom = Math.max(0.5, Math.min(64, viewport.zoom * factor));
  const kept = viewport.zoom / zoom;
  const fixed = [point[0] / width, point[1] / height];
  viewport.centre = viewport.centre.map((c, i) => fixed[i] + (c - fixed[i]) * kept);
  viewport.zoom = zoom;
}

function move(pane, dx, dy) {
  const ratio = window.devicePixelRatio || 1;
  const { scale } = pane.transform();
  const [height, width] = viewport.shape;
  viewport.centre = [viewport.centre[0] - (dx * ratio) / scale / width, viewport.centre[1] - (dy * ratio) / scale / height];
}

// Connects the zoom buttons; `changed` is called after each change.
export function listenToButtons(changed) {
  const actions = { "zoom-in": () => zoomAround(1.5), "zoom-out": () => zoomAround(1 / 1.5), "zoom-fit": fitFrame };
  for (const [id, action] of Object.entries(actions)) find(id).addEventListener("click", () => { action(); changed(); });
}

// Zooms with the wheel or two fingers, moves by dragging, and reports clicks in pixels of the full frame.
export function listenToPointer(pane, { zoomed, moved, clicked }) {
  const { canvas } = pane;
  const pointers = new Map(); // positions of the pressed pointers
  let isClick = false;
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoomAround(1.0015 ** -event.deltaY, event, pane);
    zoomed();
  }, { passive: false });
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, [event.clientX, event.clientY]);
    isClick = pointers.size === 1;
  });
  canvas.addEventListener("pointermove", (event) => {
    const from = pointers.get(event.pointerId);
    if (!from) return;
    const to = [event.clientX, event.clientY];
    const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1];
    if (isClick && Math.hypot(to[0] - from[0], to[1] - from[1]) < 4) return;
    isClick = false;
    pointers.set(event.pointerId, to);
    if (other) {
      pinch(pane, from, to, other);
      zoomed();
    } else {
      move(pane, to[0] - from[0], to[1] - from[1]);
      moved();
    }
  });
  canvas.addEventListener("pointerup", (event) => {
    if (pointers.delete(event.pointerId) && isClick) clicked(...pane.toImage(event), event.shiftKey);
  });
  canvas.addEventListener("pointercancel", (event) => pointers.delete(event.pointerId));
}

// One of two fingers has moved: the frame follows their middle and their distance.
function pinch(pane, from, to, other) {
  const distance = (point) => Math.max(1, Math.hypot(point[0] - other[0], point[1] - other[1]));
  move(pane, (to[0] - from[0]) / 2, (to[1] - from[1]) / 2);
  const box = pane.canvas.getBoundingClientRect();
  const [x, y] = [(to[0] + other[0]) / 2, (to[1] + other[1]) / 2];
  zoomAround(distance(to) / distance(from), { offsetX: x - box.left, offsetY: y - box.top }, pane);
}
