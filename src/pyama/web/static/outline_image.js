// The outlines of a frame as an image that is laid over a pane. It is made again when the frame,
// the zoom or the corrections change; for another selection, only the selected cells are drawn.

import { contextOf, element } from "./elements.js";
import { drawLines } from "./line_drawing.js";

/** @typedef {import("./line_drawing.js").Line} Line */

export class OutlineImage {
  constructor() {
    this.canvas = element("canvas", { width: 1, height: 1 });
    this.surface = contextOf(this.canvas);
    this.image = this.surface.createImageData(1, 1);
    /** All cells as if none was selected. */
    this.base = new Uint32Array(1);
    /** @type {Array<unknown>} What `base` shows. */
    this.baseKey = [];
    /** @type {Array<unknown>} Which cells are drawn over it. */
    this.topKey = [];
  }

  /**
   * @param {{width: number, height: number}} size Of the pane.
   * @param {import("./viewport.js").Transform} transform
   * @param {Array<unknown>} baseKey What `lines` depend on.
   * @param {() => Array<Line>} lines
   * @param {Array<unknown>} topKey What `top` depends on.
   * @param {() => Array<Line>} top Of the selected cells.
   */
  draw({ width, height }, transform, baseKey, lines, topKey, top) {
    const { scale, x, y } = transform;
    const key = [width, height, scale, x, y, ...baseKey];
    const isSame = areEqual(key, this.baseKey);
    if (isSame && areEqual(topKey, this.topKey)) return this.canvas;
    if (this.canvas.width !== width || this.canvas.height !== height) {
      Object.assign(this.canvas, { width, height });
      this.image = this.surface.createImageData(width, height);
      this.base = new Uint32Array(width * height);
    }
    if (!isSame) {
      this.base.fill(0);
      drawLines({ width, height, pixels: this.base }, lines(), transform);
    }
    const pixels = new Uint32Array(this.image.data.buffer);
    pixels.set(this.base);
    drawLines({ width, height, pixels }, top(), transform);
    this.surface.putImageData(this.image, 0, 0);
    Object.assign(this, { baseKey: key, topKey });
    return this.canvas;
  }
}

/**
 * @param {Array<unknown>} a
 * @param {Array<unknown>} b
 */
const areEqual = (a, b) => a.length === b.length && a.every((value, i) => value === b[i]);
