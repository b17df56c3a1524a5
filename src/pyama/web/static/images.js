// Frames and outlines: fetched ahead, kept, and drawn.

import { address, checked } from "./api.js";

const MOST_BYTES = 400e6;

// Keeps what was fetched, the least recently used goes first.
export class Cache {
  constructor() {
    this.kept = new Map();
    this.asked = new Map();
    this.bytes = 0;
  }

  get(key) {
    const found = this.kept.get(key);
    if (found) {
      this.kept.delete(key);
      this.kept.set(key, found);
    }
    return found;
  }

  fetch(key, load) {
    const found = this.get(key);
    if (found) return Promise.resolve(found);
    if (!this.asked.has(key)) {
      const asked = load().then((item) => {
        this.kept.set(key, item);
        this.bytes += item.bytes;
        for (const [old, { bytes }] of this.kept) {
          if (this.bytes < MOST_BYTES) break;
          this.kept.delete(old);
          this.bytes -= bytes;
        }
        return item;
      });
      const done = () => this.asked.delete(key);
      asked.then(done, done);
      this.asked.set(key, asked);
    }
    return this.asked.get(key);
  }
}

const TYPES = { uint8: Uint8Array, uint16: Uint16Array, uint32: Uint32Array, float32: Float32Array };

export async function loadFrame(place, slow) {
  const { dir, fov, group, frame, level, version } = place;
  const query = { dir, level, version, format: slow ? "jpeg" : "raw" };
  const answer = await checked(await fetch(address(`fovs/${fov}/frames/${group}/${frame}`, query)));
  if (slow) {
    const bitmap = await createImageBitmap(await answer.blob());
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
    const context = canvas.getContext("2d");
    context.drawImage(bitmap, 0, 0);
    const { data } = context.getImageData(0, 0, bitmap.width, bitmap.height);
    const pixels = new Uint8Array(data.length / 4);
    for (let i = 0; i < pixels.length; i++) pixels[i] = data[4 * i];
    return { width: bitmap.width, height: bitmap.height, pixels, bytes: pixels.length };
  }
  const [height, width] = [Number(answer.headers.get("X-Height")), Number(answer.headers.get("X-Width"))];
  const pixels = new TYPES[answer.headers.get("X-Dtype")](await answer.arrayBuffer());
  return { width, height, pixels, bytes: pixels.byteLength };
}

export async function loadOutlines(place) {
  const { dir, fov, channel, frame, spacing, version } = place;
  const answer = await checked(await fetch(address(`fovs/${fov}/outlines/${channel}/${frame}`, { dir, spacing, version })));
  const found = await answer.json();
  const cells = [];
  let bytes = 1000;
  for (const [label, rings] of Object.entries(found)) {
    const path = new Path2D();
    let [x0, y0, x1, y1] = [Infinity, Infinity, -Infinity, -Infinity];
    for (const ring of rings) {
      bytes += ring.length * 16;
      path.moveTo(ring[0], ring[1]);
      for (let i = 2; i < ring.length; i += 2) path.lineTo(ring[i], ring[i + 1]);
      path.closePath();
      for (let i = 0; i < ring.length; i += 2) {
        x0 = Math.min(x0, ring[i]); x1 = Math.max(x1, ring[i]);
        y0 = Math.min(y0, ring[i + 1]); y1 = Math.max(y1, ring[i + 1]);
      }
    }
    cells.push({ label: Number(label), path, box: [x0, y0, x1, y1] });
  }
  return { cells, bytes };
}

// What is black and white in a frame: 0.5 % of its pixels are darker, 0.5 % brighter.
export function stretched({ pixels }) {
  const sample = [];
  const step = Math.max(1, Math.floor(pixels.length / 20000));
  for (let i = 0; i < pixels.length; i += step) sample.push(pixels[i]);
  sample.sort((a, b) => a - b);
  const [low, high] = [sample[Math.floor(sample.length * 0.005)], sample[Math.floor(sample.length * 0.995)]];
  return [low, Math.max(high, low + 1)];
}

// One channel on the screen. All panes share zoom and position.
export class Pane {
  constructor(group, title, sight) {
    this.group = group;
    this.sight = sight;
    this.canvas = document.createElement("canvas");
    this.canvas.setAttribute("role", "img");
    this.canvas.setAttribute("aria-label", `Image: ${title}`);
    this.box = document.createElement("div");
    this.box.className = "pane";
    const label = document.createElement("span");
    label.textContent = title;
    this.box.append(this.canvas, label);
    this.context = this.canvas.getContext("2d", { alpha: false });
    this.buffer = document.createElement("canvas");
    this.painted = null;
  }

  resize() {
    if (!this.box.clientWidth) return; // another part of the page is shown
    const scale = window.devicePixelRatio || 1;
    const [width, height] = [this.box.clientWidth, this.box.clientHeight].map((n) => Math.max(1, Math.round(n * scale)));
    if (this.canvas.width !== width || this.canvas.height !== height) {
      this.canvas.width = width;
      this.canvas.height = height;
    }
  }

  // Scale and shift from image to canvas, in pixels of the full level.
  transform() {
    const { shape, zoom, centre } = this.sight;
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

  draw(frame, range, overlay) {
    const { context } = this;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.fillStyle = "#10151b";
    context.fillRect(0, 0, this.canvas.width, this.canvas.height);
    if (!frame) return;
    this.paint(frame, range);
    const { scale, x, y } = this.transform();
    const [height, width] = this.sight.shape;
    context.setTransform(scale, 0, 0, scale, x, y);
    context.imageSmoothingEnabled = scale < 3;
    context.drawImage(this.buffer, 0, 0, width, height);
    overlay(context, scale);
    this.bar(scale);
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

  bar(scale) {
    const size = this.sight.pixelSize;
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
