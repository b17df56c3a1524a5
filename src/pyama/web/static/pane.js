// A pane: one channel on the screen, with its scale bar.

import { contextOf, element } from "./elements.js";
import { writeGreys } from "./grey_levels.js";
import { scaleBarLength, toFrame, transformOf, viewport } from "./viewport.js";

/** @typedef {import("./frame_requests.js").FramePixels} FramePixels */

export class Pane {
  /**
   * @param {string} group
   * @param {string} title
   */
  constructor(group, title) {
    this.group = group;
    this.title = title;
    this.canvas = element("canvas", { role: "img", "aria-label": `Image: ${title}` });
    this.label = element("span", {}, title);
    this.box = element("div", { className: "pane" }, this.canvas, this.label);
    this.context = contextOf(this.canvas, { alpha: false });
    // The frame in its own size, from which the visible part is drawn.
    this.buffer = element("canvas", { width: 1, height: 1 });
    this.surface = contextOf(this.buffer, { alpha: false });
    this.image = this.surface.createImageData(1, 1);
    // What is in the buffer, and with which range.
    /** @type {FramePixels | null} */
    this.buffered = null;
    this.bufferedRange = "";
  }

  /** Takes the size of the box, unless the pane is hidden. */
  resize() {
    if (!this.box.clientWidth) return;
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = [this.box.clientWidth, this.box.clientHeight].map((n) => Math.max(1, Math.round(n * ratio)));
    if (this.canvas.width !== width || this.canvas.height !== height) Object.assign(this.canvas, { width, height });
  }

  transform() {
    return transformOf(viewport, this.canvas);
  }

  /**
   * The pixel of the full frame under the mouse.
   * @param {Pick<MouseEvent, "offsetX" | "offsetY">} event
   */
  toFrame(event) {
    const ratio = window.devicePixelRatio || 1;
    return toFrame(this.transform(), event.offsetX * ratio, event.offsetY * ratio);
  }

  /**
   * @param {FramePixels} frame
   * @param {[number, number]} range Pixel values that are drawn black and white.
   * @param {(context: CanvasRenderingContext2D, scale: number) => void} drawOver Draws in pixels
   *   of the full frame.
   */
  draw(frame, range, drawOver) {
    const { context } = this;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.fillStyle = "#10151b";
    context.fillRect(0, 0, this.canvas.width, this.canvas.height);
    this.#fillBuffer(frame, range);
    const { scale, x, y } = this.transform();
    const [height, width] = viewport.shape;
    context.setTransform(scale, 0, 0, scale, x, y);
    context.imageSmoothingEnabled = scale < 3;
    context.drawImage(this.buffer, 0, 0, width, height);
    drawOver(context, scale);
    this.#drawScaleBar(scale);
  }

  /**
   * @param {FramePixels} frame
   * @param {[number, number]} range
   */
  #fillBuffer(frame, range) {
    if (this.buffered === frame && this.bufferedRange === range.join()) return;
    const { width, height, pixels } = frame;
    if (this.image.width !== width || this.image.height !== height) {
      Object.assign(this.buffer, { width, height });
      this.image = this.surface.createImageData(width, height);
    }
    writeGreys(pixels, range, new Uint32Array(this.image.data.buffer));
    this.surface.putImageData(this.image, 0, 0);
    this.buffered = frame;
    this.bufferedRange = range.join();
  }

  /** @param {number} scale Pixels of the canvas per pixel of the full frame. */
  #drawScaleBar(scale) {
    const { context, canvas } = this;
    const perUnit = viewport.pixelSize ? scale / viewport.pixelSize : scale;
    const length = scaleBarLength(perUnit, canvas.width);
    const [x, y] = [canvas.width - length * perUnit - 14, canvas.height - 14];
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.fillStyle = "#000a";
    context.fillRect(x - 6, y - 20, length * perUnit + 12, 28);
    context.fillStyle = "#fff";
    context.fillRect(x, y, length * perUnit, 3);
    context.font = "12px system-ui, sans-serif";
    context.textAlign = "center";
    context.fillText(`${length} ${viewport.pixelSize ? "µm" : "px"}`, x + (length * perUnit) / 2, y - 5);
  }
}
