import assert from "node:assert/strict";
import { test } from "node:test";
import { addRings, labelAtPoint, middleOf, toOutline } from "../../src/pyama/web/static/polygons.js";

const square = (x0, y0, x1, y1) => [x0, y0, x1, y0, x1, y1, x0, y1];
const ring = toOutline(1, [square(10, 10, 30, 30), square(15, 15, 25, 25)]);
const inner = toOutline(2, [square(18, 18, 22, 22)]);
const triangle = toOutline(3, [[40, 0, 60, 0, 40, 20]]);
const outlines = [ring, inner, triangle];

test("the box of an outline holds all of its corners", () => {
  assert.deepEqual(ring.box, [10, 10, 30, 30]);
  assert.deepEqual(triangle.box, [40, 0, 60, 20]);
  assert.deepEqual(middleOf(triangle), [50, 10]);
});

test("a point is in the cell whose outline is around it", () => {
  assert.equal(labelAtPoint(outlines, 12, 20), 1);
  assert.equal(labelAtPoint(outlines, 41, 18), 3);
  assert.equal(labelAtPoint(outlines, 59, 18), undefined); // inside the box, outside the triangle
  assert.equal(labelAtPoint(outlines, 0, 0), undefined);
});

test("a hole is not part of a cell, and can hold another one", () => {
  assert.equal(labelAtPoint(outlines, 16, 16), undefined);
  assert.equal(labelAtPoint(outlines, 20, 20), 2);
});

test("every pixel of a mask is in its outline, and no other pixel", () => {
  const mask = [[1, 1, 0, 0], [1, 0, 0, 1], [1, 1, 1, 1]];
  // Along the edges of the pixels, as the server sends it.
  const own = toOutline(7, [[0, 0, 2, 0, 2, 1, 1, 1, 1, 2, 3, 2, 3, 1, 4, 1, 4, 3, 0, 3]]);
  mask.forEach((row, y) => row.forEach((value, x) => {
    assert.equal(labelAtPoint([own], x + 0.5, y + 0.5), value ? 7 : undefined, `${x}, ${y}`);
  }));
});

test("a path has the corners of all rings, each closed", () => {
  const calls = [];
  const path = { moveTo: (x, y) => calls.push(`M${x},${y}`), lineTo: (x, y) => calls.push(`L${x},${y}`), closePath: () => calls.push("Z") };
  addRings(path, [[0, 0, 2, 0, 2, 2], [5, 5, 6, 5, 6, 6]]);
  assert.equal(calls.join(" "), "M0,0 L2,0 L2,2 Z M5,5 L6,5 L6,6 Z");
});
