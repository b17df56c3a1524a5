// A pane: one channel, or several as colours of one image, with outlines and a scale bar.

import { contextOf, element } from "./elements.js";
import { Layer } from "./layer.js";
import { OutlineImage } from "./outline_image.js";
import { scaleBarLength, toFrame, transformOf, viewport } from "./viewport.js";

/**
 * What is drawn of one channel.
 * @typedef {object} Drawn
 * @property {import("./frame_requests.js").FramePixels} pixels
 * @property {[number, number]} range Pixel values that are drawn black and in the full colour.
 * @property {Uint32Array} [palette] White where it is left out.
 */

export class Pane {
  /**
   * @param {Array<string>} groups Stacks that are drawn on top of each other.
   * @param {string} title
   */
  constructor(groups, title) {
    this.view = viewport;
    this.groups = groups;
    this.layers = groups.map(() => new Layer());
    this.outlines = new OutlineImage();
    this.canvas = element("canvas", { role: "img", "aria-label": `Image: ${title}` });
    this.label = element("span", {}, title);
    this.box = element("div", { className: "pane" }, this.canvas, this.label);
    this.context = contextOf(this.canvas, { alpha: false });
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
   * @param {Array<Drawn>} drawn In the order of the groups.
   * @param {(pane: Pane) => void} drawOver
   */
  draw(drawn, drawOver) {
    const { context } = this;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.fillStyle = "#10151b";
    context.fillRect(0, 0, this.canvas.width, this.canvas.height);
    const { scale, x, y } = this.transform();
    const [height, width] = viewport.shape;
    context.setTransform(scale, 0, 0, scale, x, y);
    context.imageSmoothingEnabled = scale < 3;
    for (const [i, { pixels, range, palette }] of drawn.entries()) {
      const { canvas } = this.layers[i];
      const perPixel = width / pixels.width;
      const step = this.layers[i].fill(pixels, range, palette, scale * perPixel <= 0.5);
      context.globalCompositeOperation = i ? "lighter" : "source-over";
      const [right, bottom] = [(canvas.width * step) / pixels.width, (canvas.height * step) / pixels.height];
      context.drawImage(canvas, 0, 0, width * right, height * bottom);
    }
    context.globalCompositeOperation = "source-over";
    drawOver(this);
    this.#drawScaleBar(scale);
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
