import assert from "node:assert/strict";
import { test } from "node:test";
import { STEPS, greyOf, makePalette, previewShows, readRanges, separate, toCounts, toPixelValues, toSlider, writeColours, writeHalf } from "../../src/pyama/web/static/grey_levels.js";

const scale = [100, 1100];

test("full resolution is drawn by its counts", () => {
  assert.deepEqual(toPixelValues([200, 700], null), [200, 700]);
});

test("a preview is drawn by the counts that its pixels stand for", () => {
  assert.deepEqual(toPixelValues([100, 1100], scale), [0, 255]);
  assert.deepEqual(toPixelValues([600, 1600], scale), [127.5, 382.5]);
});

test("the same counts have the same grey in both levels, within a step of the preview", () => {
  const range = [350, 900];
  for (let counts = 100; counts <= 1100; counts += 25) {
    const preview = Math.round((255 * (counts - scale[0])) / (scale[1] - scale[0]));
    const both = [greyOf(counts, toPixelValues(range, null)), greyOf(preview, toPixelValues(range, scale))];
    assert.ok(Math.abs(both[0] - both[1]) <= 2, `${counts}: ${both}`);
  }
});

test("a preview without contrast is drawn as it is stored", () => {
  assert.deepEqual(toPixelValues([5, 5], [5, 5]), [0, 255]);
});

test("a preview shows what it holds, with enough grey levels", () => {
  const shows = (...range) => previewShows(range, { low: 100, high: 1100 });
  assert.deepEqual([shows(100, 1100), shows(300, 600), shows(99, 1100), shows(100, 1101), shows(300, 400)], [true, true, false, false, false]);
  assert.ok(shows(300, 550)); // a quarter of the range is enough
  assert.ok(!previewShows([5, 5], { low: 5, high: 5 }));
  assert.ok(!previewShows([5, 6], { low: null, high: null }));
});

test("black, white, what lies beyond them, and what lies between", () => {
  assert.deepEqual([0, 100, 150, 200, 900].map((value) => greyOf(value, [100, 200])), [0, 0, 128, 255, 255]);
  assert.equal(greyOf(100, [100, 100]), 0); // no division by zero
});

test("the colours of grey levels go from black to the colour of a channel", () => {
  const palette = makePalette([255, 0, 170]);
  assert.deepEqual([palette[0], palette[255]], [0xff000000, 0xffaa00ff]);
});

test("a table and the computation of every pixel give the same greys", () => {
  const range = [3.3, 200.1];
  const values = Array.from({ length: 256 }, (_, i) => i);
  const [byTable, wide, one] = [Uint8Array, Uint16Array, Float32Array].map((type) => {
    const greys = new Uint32Array(256);
    writeColours(type.from(values), range, greys);
    return [...greys];
  });
  const white = makePalette([255, 255, 255]);
  assert.deepEqual(byTable, values.map((value) => white[greyOf(value, range)]));
  assert.deepEqual(wide, byTable);
  assert.deepEqual(one, byTable);
});

test("a frame that is shown small is drawn by the means of squares", () => {
  const pixels = Uint16Array.from([0, 100, 7, 200, 50, 9, 255, 255, 255]); // 3 x 3
  const colours = new Uint32Array(1);
  writeHalf(pixels, 3, [0, 255], { width: 1, height: 1, colours });
  assert.equal(colours[0], makePalette([255, 255, 255])[Math.round((0 + 100 + 200 + 50) / 4)]);
});

test("sliders and counts agree", () => {
  const ends = [50, 250];
  assert.equal(toSlider(50, ends, 0), 0);
  assert.equal(toSlider(250, ends, 0), STEPS);
  for (const counts of [50, 117, 250]) {
    assert.ok(Math.abs(toCounts(toSlider(counts, ends, 0), ends) - counts) < 1e-9);
  }
  assert.equal(toSlider(7, [7, 7], STEPS), STEPS);
});

test("white stays above black", () => {
  assert.deepEqual(separate([600, 200], [0, 1000]), [600, 601]);
  assert.deepEqual(separate([200, 600], [0, 1000]), [200, 600]);
  assert.deepEqual(separate([5, 5], [7, 7]), [5, 5]);
});

test("ranges that were kept are read; what is damaged is left out", () => {
  assert.deepEqual([...readRanges({ pc_ch_0: [1, 2.5], fl_ch_1: [3], x: "12", y: [null, 2], z: "auto" })],
    [["pc_ch_0", [1, 2.5]], ["z", "auto"]]);
  for (const kept of [null, "", 5, [1]]) assert.deepEqual([...readRanges(kept)], []);
});
