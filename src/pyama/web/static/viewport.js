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

// Zooms with the wheel, moves by dragging, and reports clicks in pixels of the full frame.
export function listenToPointer(pane, { zoomed, moved, clicked }) {
  const { canvas } = pane;
  let from = null;
  let isDragging = false;
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoomAround(1.0015 ** -event.deltaY, event, pane);
    zoomed();
  }, { passive: false });
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    from = [event.clientX, event.clientY];
    isDragging = false;
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!from) return;
    const [dx, dy] = [event.clientX - from[0], event.clientY - from[1]];
    if (!isDragging && Math.hypot(dx, dy) < 4) return;
    isDragging = true;
    from = [event.clientX, event.clientY];
    move(pane, dx, dy);
    moved();
  });
  canvas.addEventListener("pointerup", (event) => {
    if (from && !isDragging) clicked(...pane.toImage(event), event.shiftKey);
    from = null;
  });
}
