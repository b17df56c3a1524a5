import assert from "node:assert/strict";
import { test } from "node:test";
import { CHANNEL_COLOURS, OUTLINES, outlineColour, toRgb } from "../../src/pyama/web/static/colours.js";
import { drawLines } from "../../src/pyama/web/static/line_drawing.js";

const RED = 0xff0000ff;
const DARK = 0xff000000;
const BLUE = 0xffff0000;
const style = { colour: RED, width: 1, rim: 1 };
const square = [4, 4, 14, 4, 14, 14, 4, 14];
const line = (given = {}, ring = square) => ({ rings: [ring], box: [0, 0, 20, 20], style: { ...style, ...given } });

function drawn(lines, transform = { scale: 1, x: 0, y: 0 }, width = 20, height = 20) {
  const raster = { width, height, pixels: new Uint32Array(width * height) };
  drawLines(raster, lines, transform);
  return { at: (x, y) => raster.pixels[y * width + x], pixels: [...raster.pixels] };
}

test("a line has a dark rim at both sides, and nothing beyond", () => {
  const { at, pixels } = drawn([line()]);
  assert.deepEqual([2, 3, 4, 5, 6].map((x) => at(x, 9)), [0, DARK, RED, DARK, 0]);
  assert.equal(pixels.filter((pixel) => pixel === RED).length, 40);
});

test("no rim covers the line of a neighbour", () => {
  const neighbour = [15, 4, 19, 4, 19, 14, 15, 14];
  const { at } = drawn([line(), line({ colour: BLUE }, neighbour)]);
  assert.deepEqual([13, 14, 15, 16].map((x) => at(x, 9)), [DARK, RED, BLUE, DARK]);
});

test("gaps between dashes show the rim", () => {
  const { pixels } = drawn([line({ dashes: [3, 2] })]);
  assert.equal(pixels.filter((pixel) => pixel === RED).length, 24);
  assert.equal(pixels.filter(Boolean).length, drawn([line()]).pixels.filter(Boolean).length);
});

test("gaps of a wide line are as long as they say", () => {
  const { at } = drawn([line({ width: 3, dashes: [6, 4] }, [4, 4, 54, 4, 54, 54, 4, 54])], undefined, 60, 60);
  const along = Array.from({ length: 20 }, (_, y) => (at(4, y + 20) === RED ? "x" : " ")).join("");
  assert.match(along.trim(), /^x{1,6} {4}x{6}/);
});

test("a wide line is as wide as it says", () => {
  const { at } = drawn([line({ width: 3, rim: 2 })]);
  assert.deepEqual([0, 1, 2, 3, 4, 5, 6, 7, 8].map((x) => at(x, 9)), [0, DARK, DARK, RED, RED, RED, DARK, DARK, 0].map(Number));
});

test("lines are moved and scaled, and cut off at the edge", () => {
  const moved = drawn([line()], { scale: 2, x: -8, y: -8 });
  assert.deepEqual([0, 1, 2].map((x) => moved.at(x, 9)), [RED, DARK, 0]);
  const away = drawn([line()], { scale: 1, x: 500, y: 0 });
  assert.ok(away.pixels.every((pixel) => pixel === 0));
});

test("a line is drawn wherever the frame is moved, also where its cell is at an edge", () => {
  const there = (ring, by) => drawn([{ rings: [ring], box: [...ring.slice(0, 2), ...ring.slice(4, 6)], style }], { scale: 1, x: by, y: by });
  assert.equal(there([104, 104, 114, 104, 114, 114, 104, 114], -100).at(4, 9), RED);
  assert.equal(there([0, 0, 2, 0, 2, 2, 0, 2], 12).at(12, 13), RED);
  assert.equal(there(square, -9).at(5, 3), RED); // the rest lies outside
});

test("a ring is closed, and the same from whichever corner it begins", () => {
  const ring = [4.6, 4.7, 14.2, 4.7, 14.2, 14.9, 4.6, 14.9];
  const begun = (i) => drawn([line({}, [...ring.slice(2 * i), ...ring.slice(0, 2 * i)])]).pixels;
  for (const i of [1, 2, 3]) assert.deepEqual(begun(i), begun(0));
});

// After Machado et al. (2009), https://doi.org/10.1109/TVCG.2009.113, without the green cones.
const DEUTERANOPIA = [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]];

const WEIGHTS = [0.2126, 0.7152, 0.0722];
const multiply = (row, colour) => row.reduce((sum, weight, i) => sum + weight * colour[i], 0);
const toLinear = (colour) => colour.map((part) => (part <= 10 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4));
/** Relative luminance after WCAG 2.2. */
const luminance = (colour) => multiply(WEIGHTS, toLinear(colour));

function seenBy(colour) {
  const without = DEUTERANOPIA.map((row) => Math.max(0, Math.min(1, multiply(row, toLinear(colour)))));
  const grey = multiply([0.299, 0.587, 0.114], colour);
  return [luminance(colour), multiply(WEIGHTS, without), luminance([grey, grey, grey])];
}

test("on any grey, the line or its rim has a contrast of at least 3, for deuteranopes too", () => {
  const fixed = Object.values(OUTLINES).flatMap(({ colour }) => (colour ? [toRgb(colour)] : []));
  assert.equal(fixed.length, 5);
  for (const colour of [...fixed, ...Array.from({ length: 400 }, (_, cell) => outlineColour(cell))]) {
    // The worst grey lies between line and rim on a logarithmic scale.
    for (const seen of seenBy(colour)) assert.ok(Math.sqrt((seen + 0.05) / 0.05) >= 3, `${colour}: ${seen}`);
  }
});

test("colours of channels that follow each other differ for deuteranopes", () => {
  const { grey, magenta, green, cyan } = CHANNEL_COLOURS;
  const pairs = [[grey, magenta], [grey, green], [magenta, green], [magenta, cyan]];
  for (const pair of pairs) {
    const [a, b] = pair.map((colour) => DEUTERANOPIA.map((row) => row.reduce((sum, weight, i) => sum + (weight * colour[i]) / 255, 0)));
    assert.ok(Math.hypot(...a.map((part, i) => part - b[i])) > 0.3, `${pair}`);
  }
});
