// A pane: one channel on the screen, with its scale bar.

import { viewport } from "./viewport.js";

export class Pane {
  constructor(group, title) {
    this.group = group;
    this.canvas = document.createElement("canvas");
    this.canvas.setAttribute("role", "img");
    this.canvas.setAttribute("aria-label", `Image: ${title}`);
    this.box = document.createElement("div");
    this.box.className = "pane";
    this.title = title;
    this.label = document.createElement("span");
    this.label.textContent = title;
    this.box.append(this.canvas, this.label);
    this.context = this.canvas.getContext("2d", { alpha: false });
    this.buffer = document.createElement("canvas");
    this.painted = null;
  }

  resize() {
    if (!this.box.clientWidth) return; // the pane is hidden
    const scale = window.devicePixelRatio || 1;
    const [width, height] = [this.box.clientWidth, this.box.clientHeight].map((n) => Math.max(1, Math.round(n * scale)));
    if (this.canvas.width !== width || this.canvas.height !== height) {
      this.canvas.width = width;
      this.canvas.height = height;
    }
  }

  // Scale and shift from the full frame to the canvas; all panes share zoom and position.
  transform() {
    const { shape, zoom, centre } = viewport;
    const [height, width] = shape;
    const fit = Math.min(this.canvas.width / width, this.canvas.height / height);
    const scale = fit * zoom;
    return { scale, x: this.canvas.width / 2 - centre[0] * width * scale, y: this.canvas.height / 2 - centre[1] * height * scale };
  }

  toImage(event) {
    const scale = window.devicePixelRatio || 1;
    const { scale: zoom, x, y } = this.transform();
    return [(event.offsetX * scale - x) / zoom, (event.offsetY * scale - y) / zoom];
  }

  // range: the pixel values that are drawn black and white.
  draw(frame, range, overlay) {
    const { context } = this;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.fillStyle = "#10151b";
    context.fillRect(0, 0, this.canvas.width, this.canvas.height);
    if (!frame) return;
    this.paint(frame, range);
    const { scale, x, y } = this.transform();
    const [height, width] = viewport.shape;
    context.setTransform(scale, 0, 0, scale, x, y);
    context.imageSmoothingEnabled = scale < 3;
    context.drawImage(this.buffer, 0, 0, width, height);
    overlay(context, scale);
    this.scaleBar(scale);
  }

  paint(frame, [low, high]) {
    const key = `${low} ${high}`;
    if (this.painted?.frame === frame && this.painted.key === key) return;
    const { width, height, pixels } = frame;
    if (this.buffer.width !== width || this.buffer.height !== height || !this.image) {
      this.buffer.width = width;
      this.buffer.height = height;
      this.surface = this.buffer.getContext("2d", { alpha: false });
      this.image = this.surface.createImageData(width, height);
      this.words = new Uint32Array(this.image.data.buffer);
    }
    const grey = (value) => {
      const v = Math.max(0, Math.min(255, Math.round(((value - low) * 255) / Math.max(1e-9, high - low))));
      return (0xff000000 | (v << 16) | (v << 8) | v) >>> 0;
    };
    const { words } = this;
    if (pixels instanceof Uint8Array || pixels instanceof Uint16Array) {
      const table = new Uint32Array(pixels instanceof Uint8Array ? 256 : 65536);
      for (let i = 0; i < table.length; i++) table[i] = grey(i);
      for (let i = 0; i < pixels.length; i++) words[i] = table[pixels[i]];
    } else {
      for (let i = 0; i < pixels.length; i++) words[i] = grey(pixels[i]);
    }
    this.surface.putImageData(this.image, 0, 0);
    this.painted = { frame, key };
  }

  scaleBar(scale) {
    const size = viewport.pixelSize;
    const { context } = this;
    context.setTransform(1, 0, 0, 1, 0, 0);
    const perUnit = size ? scale / size : scale;
    const most = Math.max(40, this.canvas.width / 5) / perUnit;
    const power = 10 ** Math.floor(Math.log10(most));
    const length = [5, 2, 1].map((n) => n * power).find((n) => n <= most) ?? power;
    const [x, y] = [this.canvas.width - length * perUnit - 14, this.canvas.height - 14];
    context.fillStyle = "#000a";
    context.fillRect(x - 6, y - 20, length * perUnit + 12, 28);
    context.fillStyle = "#fff";
    context.fillRect(x, y, length * perUnit, 3);
    context.font = "12px system-ui, sans-serif";
    context.textAlign = "center";
    context.fillText(`${length} ${size ? "µm" : "px"}`, x + (length * perUnit) / 2, y - 5);
  }
}
