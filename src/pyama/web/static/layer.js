// One stack in an image: its frame in its own size and colour, from which the visible part is drawn.

import { contextOf, element } from "./elements.js";
import { writeColours, writeHalf } from "./grey_levels.js";

/** @typedef {import("./frame_requests.js").FramePixels} FramePixels */

export class Layer {
  constructor() {
    this.canvas = element("canvas", { width: 1, height: 1 });
    this.surface = contextOf(this.canvas, { alpha: false });
    this.image = this.surface.createImageData(1, 1);
    // What is on the canvas.
    /** @type {FramePixels | null} */
    this.frame = null;
    /** @type {Uint32Array | undefined} */
    this.palette = undefined;
    this.range = "";
    this.step = 1;
  }

  /**
   * Fills the canvas of the layer; returns the size of its pixels, in pixels of the frame.
   * @param {FramePixels} frame
   * @param {[number, number]} range Pixel values that are drawn black and in the full colour.
   * @param {Uint32Array | undefined} palette White where it is undefined.
   * @param {boolean} isSmall Whether the frame is shown in less than half of its size.
   */
  fill(frame, range, palette, isSmall) {
    const step = isSmall && Math.min(frame.width, frame.height) > 1 ? 2 : 1;
    const isSame = this.frame === frame && this.range === range.join() && this.palette === palette && this.step === step;
    if (!isSame) this.#write(frame, range, palette, step);
    Object.assign(this, { frame, palette, range: range.join(), step });
    return step;
  }

  /**
   * @param {FramePixels} frame
   * @param {[number, number]} range
   * @param {Uint32Array | undefined} palette
   * @param {number} step
   */
  #write(frame, range, palette, step) {
    const [width, height] = [frame.width, frame.height].map((side) => Math.floor(side / step));
    if (this.image.width !== width || this.image.height !== height) {
      Object.assign(this.canvas, { width, height });
      this.image = this.surface.createImageData(width, height);
    }
    const colours = new Uint32Array(this.image.data.buffer);
    if (step === 1) writeColours(frame.pixels, range, colours, palette);
    else writeHalf(frame.pixels, frame.width, range, { width, height, colours }, palette);
    this.surface.putImageData(this.image, 0, 0);
  }
}
