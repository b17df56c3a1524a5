// The frame of a trial on its canvas: zoomed and moved on its own, with the cells that were found.

import { contextOf, element, find } from "./elements.js";
import { listenToPointer } from "./pointer.js";
import { addRings } from "./polygons.js";
import { fitFrame, toFrame, transformOf, zoomAround } from "./viewport.js";

/** @type {import("./viewport.js").Viewport} */
const view = { shape: [1, 1], zoom: 1, centre: [0.5, 0.5], pixelSize: null };
/** @type {ImageBitmap | null} */
let image = null;
/** @type {Path2D | null} */
let outlines = null;

/** Makes the canvas and the buttons of its zoom. */
export function makeTrialImage() {
  const canvas = element("canvas", { id: "image-canvas", width: 10, height: 10, role: "img", "aria-label": "Image of the recording" });
  const box = element("div", { className: "trial-image" }, canvas,
    element("span", { className: "zoom" },
      element("button", { id: "image-zoom-out", "aria-label": "Zoom out of the image", onclick: () => zoomBy(1 / 1.5) }, "−"),
      element("button", { id: "image-fit", "aria-label": "Fit the image", onclick: () => { fitFrame(view); drawImage(); } }, "Fit"),
      element("button", { id: "image-zoom-in", "aria-label": "Zoom into the image", onclick: () => zoomBy(1.5) }, "+")));
  listenToPointer({ canvas, view, transform, toFrame: (event) => toFrame(transform(), event.offsetX * ratio(), event.offsetY * ratio()) },
    { redraw: drawImage, reload: drawImage, select() {} });
  new ResizeObserver(drawImage).observe(box);
  return box;
}

const ratio = () => window.devicePixelRatio || 1;
const transform = () => transformOf(view, find("image-canvas"));

/** @param {number} factor */
function zoomBy(factor) {
  zoomAround(view, factor);
  drawImage();
}

/**
 * Shows another frame, without cells.
 * @param {ImageBitmap} bitmap
 * @param {[number, number]} shape Rows and columns of the full frame.
 */
export function showFrame(bitmap, shape) {
  if (shape.join() !== view.shape.join()) fitFrame(view);
  view.shape = shape;
  image = bitmap;
  outlines = null;
  drawImage();
}

/**
 * Shows the cells that were found; null removes them.
 * @param {Record<string, Array<Array<number>>> | null} found Outlines in px of the full frame.
 */
export function showFound(found) {
  outlines = found && new Path2D();
  if (outlines && found) for (const rings of Object.values(found)) addRings(outlines, rings);
  drawImage();
}

function drawImage() {
  const canvas = find("image-canvas");
  const [width, height] = [canvas.clientWidth, canvas.clientHeight].map((n) => Math.max(1, Math.round(n * ratio())));
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const context = contextOf(canvas);
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, width, height);
  if (!image) return;
  const { scale, x, y } = transform();
  context.setTransform(scale, 0, 0, scale, x, y);
  context.imageSmoothingEnabled = scale < 3;
  context.drawImage(image, 0, 0, view.shape[1], view.shape[0]);
  if (!outlines) return;
  for (const [colour, pixels] of /** @type {Array<[string, number]>} */ ([["#000a", 3.5], ["#ffd24a", 1.5]])) {
    context.strokeStyle = colour;
    context.lineWidth = (pixels * ratio()) / scale;
    context.stroke(outlines);
  }
}
