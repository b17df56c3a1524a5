// Requests for the pixels, the contrast and the outlines of a frame.

import { toOutline } from "./polygons.js";
import { address, fetchChecked, get } from "./requests.js";

/**
 * @typedef {object} FramePixels
 * @property {number} width
 * @property {number} height
 * @property {import("./grey_levels.js").Pixels} pixels Row after row.
 * @property {[number, number] | null} scale Counts that the values 0 and 255 stand for; null if
 *   the values are counts.
 * @property {number} bytes
 */

/** @typedef {{range: [number, number], bytes: number}} FrameContrast Counts of black and white. */

/**
 * @typedef {object} FrameOutlines
 * @property {Array<import("./polygons.js").Outline>} cells
 * @property {number} bytes About the memory that they need.
 */

/** @typedef {{dir: string, fov: number, group: string, frame: number}} FramePlace */
/** @typedef {{dir: string, fov: number, channel: number, frame: number, kind: Api.LabelKind, spacing: number, version: string}} OutlinesKey */

const ARRAYS = { uint8: Uint8Array, uint16: Uint16Array, uint32: Uint32Array, float32: Float32Array };

/**
 * @param {FramePlace} place
 * @param {import("./stacks.js").PixelSource} source
 * @returns {Promise<FramePixels>}
 */
export function fetchFrame({ dir, fov, group, frame }, { level, reduced, asJpeg, scale, version }) {
  const [low, high] = (asJpeg && level === "0" && scale) || [];
  const query = { dir, level, reduced: reduced || undefined, version, format: asJpeg ? "jpeg" : "raw", low, high };
  /** @returns {Promise<FramePixels>} */
  const readJpeg = async (/** @type {Response} */ answer) => ({ ...greysOf(await createImageBitmap(await answer.blob())), scale });
  const readRaw = async (/** @type {Response} */ answer) => readPixels(answer, scale);
  return fetchChecked(address(`fovs/${fov}/frames/${group}/${frame}`, query), asJpeg ? readJpeg : readRaw);
}

/**
 * @param {Response} answer
 * @param {import("./stacks.js").PixelSource["scale"]} scale
 * @returns {Promise<FramePixels>}
 */
async function readPixels(answer, scale) {
  const [height, width] = [Number(answer.headers.get("X-Height")), Number(answer.headers.get("X-Width"))];
  const dtype = /** @type {keyof ARRAYS} */ (answer.headers.get("X-Dtype"));
  const pixels = new ARRAYS[dtype](await answer.arrayBuffer());
  return { width, height, pixels, scale, bytes: pixels.byteLength };
}

/**
 * The contrast of a frame alone.
 * @param {FramePlace} place
 * @param {Api.Level} level
 * @returns {Promise<FrameContrast>}
 */
export async function fetchContrast({ dir, fov, group, frame }, level) {
  const { low, high } = await get(`fovs/${fov}/frames/${group}/${frame}/contrast`, { dir, level });
  return { range: [low, high], bytes: 100 };
}

/** @param {ImageBitmap} bitmap */
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
export async function fetchOutlines({ fov, channel, frame, ...query }) {
  /** @type {Record<string, Array<Array<number>>>} */
  const rings = await get(`fovs/${fov}/outlines/${channel}/${frame}`, query);
  const cells = Object.entries(rings).map(([label, own]) => toOutline(Number(label), own));
  // 8 bytes per number.
  const bytes = cells.reduce((sum, cell) => sum + cell.rings.reduce((n, ring) => n + 8 * ring.length, 0), 1000);
  return { cells, bytes };
}
