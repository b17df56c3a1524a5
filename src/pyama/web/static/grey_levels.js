// From counts to grey: contrast ranges, sliders, and the grey of every pixel value.

/** Steps of a slider. */
export const STEPS = 1000;

/**
 * A range of counts in the pixel values of a stored level: a preview runs from 0, the low of its
 * stack, to 255, its high.
 * @param {[number, number]} range Counts that are drawn black and white.
 * @param {string} level
 * @param {{low: number | null, high: number | null}} group
 * @returns {[number, number]}
 */
export function toPixelValues([black, white], level, { low, high }) {
  if (level === "0") return [black, white];
  if (low === null || high === null || high <= low) return [0, 255];
  const toPreview = (/** @type {number} */ counts) => (255 * (counts - low)) / (high - low);
  return [toPreview(black), toPreview(white)];
}

/**
 * Where a slider stands for some counts.
 * @param {number} counts
 * @param {[number, number]} ends Counts at both ends of the slider.
 * @param {number} otherwise Where all counts are the same.
 */
export function toSlider(counts, [least, most], otherwise) {
  return most > least ? ((counts - least) / (most - least)) * STEPS : otherwise;
}

/**
 * The counts that a slider gives.
 * @param {number} place Of the slider.
 * @param {[number, number]} ends
 */
export function toCounts(place, [least, most]) {
  return least + ((most - least) / STEPS) * place;
}

/**
 * A range whose white is at least one step of the sliders above black.
 * @param {[number, number]} range
 * @param {[number, number]} ends
 * @returns {[number, number]}
 */
export function separate([black, white], [least, most]) {
  return [black, Math.max(white, black + (most - least) / STEPS)];
}

/**
 * Ranges by group from a text that was kept; none where it cannot be read.
 * @param {string | null} text
 * @returns {Map<string, [number, number]>}
 */
export function readRanges(text) {
  try {
    const entries = Object.entries(JSON.parse(text ?? "{}"));
    return new Map(entries.filter(([, range]) => Array.isArray(range) && range.length === 2 && range.every(Number.isFinite)));
  } catch {
    return new Map();
  }
}

/**
 * The grey of a pixel value, as an opaque pixel of a canvas.
 * @param {number} value
 * @param {[number, number]} range Pixel values that are drawn black and white.
 */
export function greyOf(value, [low, high]) {
  const grey = Math.max(0, Math.min(255, Math.round(((value - low) * 255) / Math.max(1e-9, high - low))));
  return (0xff000000 | (grey << 16) | (grey << 8) | grey) >>> 0;
}

/** @typedef {Uint8Array | Uint16Array | Uint32Array | Float32Array} Pixels */

/**
 * Writes the grey of every pixel.
 * @param {Pixels} pixels
 * @param {[number, number]} range
 * @param {Uint32Array} greys Pixels of a canvas.
 */
export function writeGreys(pixels, range, greys) {
  if (pixels instanceof Uint8Array || pixels instanceof Uint16Array) {
    // A table is faster than to compute the same value for many pixels.
    const size = pixels instanceof Uint8Array ? 256 : 65536;
    const table = Uint32Array.from({ length: size }, (_, value) => greyOf(value, range));
    for (let i = 0; i < pixels.length; i++) greys[i] = table[pixels[i]];
  } else {
    for (let i = 0; i < pixels.length; i++) greys[i] = greyOf(pixels[i], range);
  }
}
