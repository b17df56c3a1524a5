// Requests for the pixels and the outlines of a frame.

import { addRings, toOutline } from "./polygons.js";
import { address, fetchChecked, get } from "./requests.js";

/**
 * @typedef {object} FramePixels
 * @property {number} width
 * @property {number} height
 * @property {import("./grey_levels.js").Pixels} pixels Row after row.
 * @property {number} bytes
 */

/** @typedef {import("./polygons.js").Outline & {path: Path2D}} CellOutline */

/**
 * @typedef {object} FrameOutlines
 * @property {Array<CellOutline>} cells
 * @property {number} bytes About the memory that they need.
 */

/** @typedef {{dir: string, fov: number, group: string, frame: number, level: Api.Level, version: string}} FrameKey */
/** @typedef {{dir: string, fov: number, channel: number, frame: number, spacing: number, version: string}} OutlinesKey */

const ARRAYS = { uint8: Uint8Array, uint16: Uint16Array, uint32: Uint32Array, float32: Float32Array };

/**
 * @param {FrameKey} key
 * @param {boolean} asJpeg
 * @returns {Promise<FramePixels>}
 */
export async function fetchFrame({ dir, fov, group, frame, level, version }, asJpeg) {
  const query = { dir, level, version, format: asJpeg ? "jpeg" : "raw" };
  const answer = await fetchChecked(address(`fovs/${fov}/frames/${group}/${frame}`, query));
  if (asJpeg) return greysOf(await createImageBitmap(await answer.blob()));
  const [height, width] = [Number(answer.headers.get("X-Height")), Number(answer.headers.get("X-Width"))];
  const dtype = /** @type {keyof ARRAYS} */ (answer.headers.get("X-Dtype"));
  const pixels = new ARRAYS[dtype](await answer.arrayBuffer());
  return { width, height, pixels, bytes: pixels.byteLength };
}

/**
 * @param {ImageBitmap} bitmap
 * @returns {FramePixels}
 */
function greysOf(bitmap) {
  const { width, height } = bitmap;
  const context = new OffscreenCanvas(width, height).getContext("2d");
  if (!context) throw new Error("The browser has no memory for another image. Close other pages.");
  context.drawImage(bitmap, 0, 0);
  const { data } = context.getImageData(0, 0, width, height);
  const pixels = new Uint8Array(data.length / 4);
  for (let i = 0; i < pixels.length; i++) pixels[i] = data[4 * i];
  return { width, height, pixels, bytes: pixels.length };
}

/**
 * @param {OutlinesKey} key
 * @returns {Promise<FrameOutlines>}
 */
export async function fetchOutlines({ dir, fov, channel, frame, spacing, version }) {
  /** @type {Record<string, Array<Array<number>>>} */
  const rings = await get(`fovs/${fov}/outlines/${channel}/${frame}`, { dir, spacing, version });
  const cells = Object.entries(rings).map(([label, own]) => {
    const path = new Path2D();
    addRings(path, own);
    return { ...toOutline(Number(label), own), path };
  });
  // 8 bytes per number here, and as many in the path.
  const bytes = cells.reduce((sum, cell) => sum + cell.rings.reduce((n, ring) => n + 16 * ring.length, 0), 1000);
  return { cells, bytes };
}
