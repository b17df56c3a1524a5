// Outlines of cells as polygons, in px of the full frame.

/**
 * @typedef {object} Outline
 * @property {number} label
 * @property {Array<Array<number>>} rings Corners as x, y, x, y, ...; inner rings are holes.
 * @property {[number, number, number, number]} box x0, y0, x1, y1.
 */

/**
 * The outline of one cell.
 * @param {number} label
 * @param {Array<Array<number>>} rings
 * @returns {Outline}
 */
export function toOutline(label, rings) {
  let [x0, y0, x1, y1] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const ring of rings) {
    for (let i = 0; i < ring.length; i += 2) {
      x0 = Math.min(x0, ring[i]); x1 = Math.max(x1, ring[i]);
      y0 = Math.min(y0, ring[i + 1]); y1 = Math.max(y1, ring[i + 1]);
    }
  }
  return { label, rings, box: [x0, y0, x1, y1] };
}

/**
 * Adds closed polygons to a path.
 * @param {Pick<CanvasPath, "moveTo" | "lineTo" | "closePath">} path
 * @param {Array<Array<number>>} rings
 */
export function addRings(path, rings) {
  for (const ring of rings) {
    path.moveTo(ring[0], ring[1]);
    for (let i = 2; i < ring.length; i += 2) path.lineTo(ring[i], ring[i + 1]);
    path.closePath();
  }
}

/**
 * @param {Outline} outline
 * @returns {[number, number]} Middle of the box, x and y.
 */
export function middleOf({ box: [x0, y0, x1, y1] }) {
  return [(x0 + x1) / 2, (y0 + y1) / 2];
}

/**
 * The label of the cell at a point; undefined where there is none.
 * @param {Array<Outline>} outlines
 * @param {number} x
 * @param {number} y
 */
export function labelAtPoint(outlines, x, y) {
  return outlines.find(({ rings, box: [x0, y0, x1, y1] }) =>
    x >= x0 && x <= x1 && y >= y0 && y <= y1 && isInside(rings, x, y))?.label;
}

/**
 * Whether a line from the point to the right crosses the rings an odd number of times.
 * @param {Array<Array<number>>} rings
 * @param {number} x
 * @param {number} y
 */
function isInside(rings, x, y) {
  let inside = false;
  for (const ring of rings) {
    let [xa, ya] = ring.slice(-2);
    for (let i = 0; i < ring.length; i += 2) {
      const [xb, yb] = [ring[i], ring[i + 1]];
      if (ya > y !== yb > y && x < xa + ((y - ya) / (yb - ya)) * (xb - xa)) inside = !inside;
      [xa, ya] = [xb, yb];
    }
  }
  return inside;
}
