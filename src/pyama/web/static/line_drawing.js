// Lines with a dark rim, written into the pixels of an image.
//
// The canvas takes 20 times as long for lines wider than a pixel: with 400 cells, more than
// a tenth of a second for every frame.

/**
 * @typedef {object} Raster
 * @property {number} width
 * @property {number} height
 * @property {Uint32Array} pixels Row after row; 0 is transparent.
 */

/**
 * @typedef {object} LineStyle
 * @property {number} colour Pixel of a canvas.
 * @property {Array<number>} [dashes] Length of the dashes and of the gaps between them, in px.
 * @property {number} width In px.
 * @property {number} rim Width of the dark rim at either side, in px.
 */

/** @typedef {import("./viewport.js").Transform} Transform */
/** @typedef {{rings: Array<Array<number>>, box: [number, number, number, number], style: LineStyle}} Line */

const DARK = 0xff000000;

/**
 * Draws closed polygons: first all rims, so that none covers the line of a neighbour.
 * @param {Raster} raster
 * @param {Array<Line>} lines
 * @param {Transform} transform
 */
export function drawLines(raster, lines, transform) {
  const visible = lines.filter(({ box }) => isVisible(box, raster, transform));
  for (const { rings, style } of visible) {
    const rim = { ...style, colour: DARK, dashes: undefined, width: style.width + 2 * style.rim };
    for (const ring of rings) drawRing(raster, ring, rim, transform);
  }
  for (const { rings, style } of visible) {
    for (const ring of rings) drawRing(raster, ring, style, transform);
  }
}

/**
 * @param {[number, number, number, number]} box
 * @param {Raster} raster
 * @param {Transform} transform
 */
function isVisible([x0, y0, x1, y1], { width, height }, { scale, x, y }) {
  return x1 * scale + x > -9 && y1 * scale + y > -9 && x0 * scale + x < width + 9 && y0 * scale + y < height + 9;
}

/**
 * @param {Raster} raster
 * @param {Array<number>} ring Corners as x, y, x, y, ...
 * @param {LineStyle} style
 * @param {Transform} transform
 */
function drawRing(raster, ring, { colour, dashes, width }, { scale, x, y }) {
  const [dash, gap] = dashes ?? [1, 0];
  const filled = dashes ? Math.max(1, dash - width + 1) : 1; // the last square is as long as it is wide
  const before = (width - 1) >> 1;
  const last = ring.length - 2;
  let px = Math.floor(ring[last] * scale + x);
  let py = Math.floor(ring[last + 1] * scale + y);
  let n = 0;
  for (let i = 0; i <= last; i += 2) {
    const qx = Math.floor(ring[i] * scale + x);
    const qy = Math.floor(ring[i + 1] * scale + y);
    const [dx, dy] = [Math.abs(qx - px), Math.abs(qy - py)];
    const [sx, sy] = [px < qx ? 1 : -1, py < qy ? 1 : -1];
    // After Bresenham (1965), https://doi.org/10.1147/sj.41.0025.
    for (let error = dx - dy; px !== qx || py !== qy; n++) {
      const twice = 2 * error;
      if (twice > -dy) { error -= dy; px += sx; }
      if (twice < dx) { error += dx; py += sy; }
      if (n % (dash + gap) < filled) fillSquare(raster, px - before, py - before, width, colour);
    }
  }
}

/**
 * @param {Raster} raster
 * @param {number} left
 * @param {number} top
 * @param {number} side
 * @param {number} colour
 */
function fillSquare({ width, height, pixels }, left, top, side, colour) {
  const [x0, x1] = [Math.max(0, left), Math.min(width, left + side)];
  const [y0, y1] = [Math.max(0, top), Math.min(height, top + side)];
  for (let y = y0; y < y1; y++) for (let x = x0; x < x1; x++) pixels[y * width + x] = colour;
}
