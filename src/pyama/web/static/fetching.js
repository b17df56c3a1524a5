// Requests for frames and outlines, and the cache that keeps what was fetched.

import { address, checked } from "./api.js";

const MOST_BYTES = 400e6;

// When the cache is full, the least recently used items are removed.
export class Cache {
  constructor() {
    this.kept = new Map();
    this.asked = new Map();
    this.bytes = 0;
  }

  get(key) {
    const item = this.kept.get(key);
    if (item) {
      this.kept.delete(key);
      this.kept.set(key, item);
    }
    return item;
  }

  fetch(key, load) {
    const kept = this.get(key);
    if (kept) return Promise.resolve(kept);
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
  const outlines = await answer.json();
  const cells = [];
  let bytes = 1000;
  for (const [label, rings] of Object.entries(outlines)) {
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
