// Mouse and fingers on an image: wheel or two fingers to zoom, drag to move, click to select.

import { moveBy, zoomAround } from "./viewport.js";

const LEAST_DRAG_PX = 4;

/**
 * An image on a canvas, and its visible part.
 * @typedef {object} Pane
 * @property {HTMLCanvasElement} canvas
 * @property {import("./viewport.js").Viewport} view
 * @property {() => import("./viewport.js").Transform} transform
 * @property {(event: Pick<MouseEvent, "offsetX" | "offsetY">) => [number, number]} toFrame
 */
/** @typedef {[number, number]} Point In pixels of the page. */

/**
 * @typedef {object} PointerActions
 * @property {() => void} redraw Called after the image was moved.
 * @property {() => void} reload Called after a zoom, which may need other frames and outlines.
 * @property {(x: number, y: number, isOther: boolean) => void} select Called with the pixel of
 *   the full frame that was clicked, and whether it was with Shift.
 */

/**
 * @param {Pane} pane
 * @param {PointerActions} actions
 */
export function listenToPointer(pane, { redraw, reload, select }) {
  const { canvas } = pane;
  /** @type {Map<number, Point>} Of the pointers that are pressed. */
  const pointers = new Map();
  let isClick = false;
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoomAround(pane.view, 1.0015 ** -event.deltaY, pane.toFrame(event));
    reload();
  }, { passive: false });
  canvas.addEventListener("pointerdown", ({ pointerId, clientX, clientY }) => {
    canvas.setPointerCapture(pointerId);
    pointers.set(pointerId, [clientX, clientY]);
    isClick = pointers.size === 1;
  });
  canvas.addEventListener("pointermove", ({ pointerId, clientX, clientY }) => {
    const from = pointers.get(pointerId);
    if (!from) return;
    if (isClick && Math.hypot(clientX - from[0], clientY - from[1]) < LEAST_DRAG_PX) return;
    isClick = false;
    pointers.set(pointerId, [clientX, clientY]);
    const other = [...pointers].find(([id]) => id !== pointerId)?.[1];
    if (other) {
      pinch(pane, from, [clientX, clientY], other);
      reload();
    } else {
      drag(pane, clientX - from[0], clientY - from[1]);
      redraw();
    }
  });
  canvas.addEventListener("pointerup", (event) => {
    if (pointers.delete(event.pointerId) && isClick) select(...pane.toFrame(event), event.shiftKey);
  });
  canvas.addEventListener("pointercancel", ({ pointerId }) => pointers.delete(pointerId));
}

/**
 * @param {Pane} pane
 * @param {number} dx In pixels of the page, as `dy`.
 * @param {number} dy
 */
function drag(pane, dx, dy) {
  const perPixel = (window.devicePixelRatio || 1) / pane.transform().scale;
  moveBy(pane.view, dx * perPixel, dy * perPixel);
}

/**
 * One of two fingers has moved: the frame follows their middle and their distance.
 * @param {Pane} pane
 * @param {Point} from
 * @param {Point} to
 * @param {Point} other
 */
function pinch(pane, from, to, other) {
  const distance = (/** @type {Point} */ [x, y]) => Math.max(1, Math.hypot(x - other[0], y - other[1]));
  drag(pane, (to[0] - from[0]) / 2, (to[1] - from[1]) / 2);
  const box = pane.canvas.getBoundingClientRect();
  const [x, y] = [(to[0] + other[0]) / 2, (to[1] + other[1]) / 2];
  zoomAround(pane.view, distance(to) / distance(from), pane.toFrame({ offsetX: x - box.left, offsetY: y - box.top }));
}
