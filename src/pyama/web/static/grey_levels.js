// From counts to grey: contrast ranges, sliders, and the grey of every pixel value.

/** Steps of a slider. */
export const STEPS = 1000;

/** The smallest part of what a preview holds that is drawn from black to white. */
const LEAST_SHARE = 0.25;

/**
 * A range of counts in the values of pixels.
 * @param {[number, number]} range Counts that are drawn black and white.
 * @param {[number, number] | null} scale Counts that the values 0 and 255 stand for; null where
 *   the values are counts.
 * @returns {[number, number]}
 */
export function toPixelValues([black, white], scale) {
  if (!scale) return [black, white];
  const [low, high] = scale;
  if (high <= low) return [0, 255];
  const toValue = (/** @type {number} */ counts) => (255 * (counts - low)) / (high - low);
  return [toValue(black), toValue(white)];
}

/**
 * Whether a preview can be drawn with a range of counts: it holds nothing darker than its low or
 * brighter than its high, and too few grey levels in a small part between them. The same rule is
 * in `pictures/contrast.py`.
 * @param {[number, number]} range
 * @param {{low: number | null, high: number | null}} preview
 */
export function previewShows([black, white], { low, high }) {
  if (low === null || high === null || high <= low) return false;
  return low <= black && white <= high && white - black >= LEAST_SHARE * (high - low);
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
 * Ranges by stack from what was kept, without what is no range.
 * @param {unknown} kept
 * @returns {Map<string, [number, number] | "auto">}
 */
export function readRanges(kept) {
  const isRange = (/** @type {unknown} */ range) => range === "auto" || (Array.isArray(range) && range.length === 2 && range.every(Number.isFinite));
  return new Map(Object.entries(Object(kept)).filter(([, range]) => isRange(range)));
}

/**
 * Pixels of a canvas for the grey levels 0 to 255 of one colour.
 * @param {[number, number, number]} colour Red, green and blue of the brightest pixel.
 */
export function makePalette([red, green, blue]) {
  return Uint32Array.from({ length: 256 }, (_, grey) => {
    const [r, g, b] = [red, green, blue].map((part) => Math.round((part * grey) / 255));
    return (0xff000000 | (b << 16) | (g << 8) | r) >>> 0;
  });
}

const GREYS = makePalette([255, 255, 255]);

/**
 * The grey level of a pixel value, from 0 to 255.
 * @param {number} value
 * @param {[number, number]} range Pixel values that are drawn black and white.
 */
export function greyOf(value, [low, high]) {
  return Math.max(0, Math.min(255, Math.round(((value - low) * 255) / Math.max(1e-9, high - low))));
}

/** @typedef {Uint8Array | Uint16Array | Uint32Array | Float32Array} Pixels */

/**
 * Writes the colour of every pixel.
 * @param {Pixels} pixels
 * @param {[number, number]} range
 * @param {Uint32Array} colours Pixels of a canvas.
 * @param {Uint32Array} [palette] Colours of the grey levels.
 */
export function writeColours(pixels, range, colours, palette = GREYS) {
  const { values, table } = greysOf(pixels, range);
  for (let i = 0; i < values.length; i++) colours[i] = palette[table[values[i]]];
}

/**
 * Writes the colour of every square of 2 x 2 pixels, which has the mean of their grey levels.
 * @param {Pixels} pixels
 * @param {number} width Of the frame; an odd last column is dropped.
 * @param {[number, number]} range
 * @param {{width: number, height: number, colours: Uint32Array}} half Pixels of a canvas.
 * @param {Uint32Array} [palette]
 */
export function writeHalf(pixels, width, range, { width: columns, height: rows, colours }, palette = GREYS) {
  const { values, table } = greysOf(pixels, range);
  for (let row = 0, i = 0; row < rows; row++) {
    for (let a = 2 * row * width, end = a + 2 * columns; a < end; a += 2, i++) {
      const b = a + width;
      const sum = table[values[a]] + table[values[a + 1]] + table[values[b]] + table[values[b + 1]];
      colours[i] = palette[(sum + 2) >> 2];
    }
  }
}

const SAME = Uint8Array.from({ length: 256 }, (_, grey) => grey);

/**
 * The grey levels of pixels: those of their values in a table.
 * @param {Pixels} pixels
 * @param {[number, number]} range
 */
function greysOf(pixels, range) {
  // A table is faster than to compute the same value for many pixels.
  if (pixels instanceof Uint8Array) return { values: pixels, table: tableOf(256, range) };
  if (pixels instanceof Uint16Array) return { values: pixels, table: tableOf(65536, range) };
  const values = new Uint8Array(pixels.length);
  for (let i = 0; i < pixels.length; i++) values[i] = greyOf(pixels[i], range);
  return { values, table: SAME };
}

/** @type {Array<{size: number, range: [number, number], table: Uint8Array}>} */
const tables = [];
const MOST_TABLES = 8;

/**
 * The grey levels of all values; those of the latest ranges are kept, as frames follow each other.
 * @param {number} size
 * @param {[number, number]} range
 */
function tableOf(size, range) {
  const known = tables.find((entry) => entry.size === size && entry.range.join() === range.join());
  if (known) return known.table;
  const table = Uint8Array.from({ length: size }, (_, value) => greyOf(value, range));
  if (tables.length === MOST_TABLES) tables.shift();
  tables.push({ size, range, table });
  return table;
}
