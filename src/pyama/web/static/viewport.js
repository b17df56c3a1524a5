// The visible part of a frame. All panes share it, so they zoom and move together.

/**
 * @typedef {object} Viewport
 * @property {[number, number]} shape Rows and columns of the full frame.
 * @property {number} zoom 1 fits the frame into the pane.
 * @property {[number, number]} centre Of the view, x and y, as a part of the frame.
 * @property {number | null} pixelSize In µm; null if it is unknown.
 */

/**
 * Scale and shift from pixels of the full frame to pixels of the canvas.
 * @typedef {{scale: number, x: number, y: number}} Transform
 */

const LEAST_ZOOM = 0.5;
const MOST_ZOOM = 64;

/** @type {Viewport} */
export const viewport = { shape: [1, 1], zoom: 1, centre: [0.5, 0.5], pixelSize: null };

/** @param {Viewport} view */
export function fitFrame(view) {
  Object.assign(view, { zoom: 1, centre: [0.5, 0.5] });
}

/**
 * @param {Viewport} view
 * @param {{width: number, height: number}} canvas
 * @returns {Transform}
 */
export function transformOf({ shape: [rows, columns], zoom, centre }, { width, height }) {
  const scale = Math.min(width / columns, height / rows) * zoom;
  return { scale, x: width / 2 - centre[0] * columns * scale, y: height / 2 - centre[1] * rows * scale };
}

/** Distances in px below which corners of outlines may be left out. */
const SPACINGS = [8, 4, 2];

/**
 * The distance below which corners of an outline may be left out, so that it moves by at most one
 * pixel of the canvas; 0 for none.
 * @param {number} scale Pixels of the canvas per pixel of the full frame.
 */
export function outlineSpacingAt(scale) {
  return SPACINGS.find((spacing) => (spacing - 1) * scale <= 1) ?? 0;
}

/**
 * From a pixel of the canvas to one of the full frame.
 * @param {Transform} transform
 * @param {number} x
 * @param {number} y
 * @returns {[number, number]}
 */
export function toFrame(transform, x, y) {
  return [(x - transform.x) / transform.scale, (y - transform.y) / transform.scale];
}

/**
 * Zooms by a factor around a point of the full frame, or around the centre.
 * @param {Viewport} view
 * @param {number} factor
 * @param {[number, number] | null} [point]
 */
export function zoomAround(view, factor, point = null) {
  const [rows, columns] = view.shape;
  const zoom = Math.max(LEAST_ZOOM, Math.min(MOST_ZOOM, view.zoom * factor));
  const kept = view.zoom / zoom;
  const [x, y] = point ? [point[0] / columns, point[1] / rows] : view.centre;
  view.centre = [x + (view.centre[0] - x) * kept, y + (view.centre[1] - y) * kept];
  view.zoom = zoom;
}

/**
 * Moves the frame.
 * @param {Viewport} view
 * @param {number} dx In pixels of the full frame, as `dy`.
 * @param {number} dy
 */
export function moveBy(view, dx, dy) {
  const [rows, columns] = view.shape;
  view.centre = [view.centre[0] - dx / columns, view.centre[1] - dy / rows];
}

/**
 * A scale bar: a round length, and its unit.
 * @param {number} perUnit Pixels of the canvas per unit.
 * @param {number} width Of the canvas; the bar takes up to a fifth of it.
 */
export function scaleBarLength(perUnit, width) {
  const most = Math.max(40, width / 5) / perUnit;
  const power = 10 ** Math.floor(Math.log10(most));
  return [5, 2, 1].map((n) => n * power).find((length) => length <= most) ?? power;
}
