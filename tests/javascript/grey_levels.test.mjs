import assert from "node:assert/strict";
import { test } from "node:test";
import { STEPS, greyOf, readRanges, separate, toCounts, toPixelValues, toSlider, writeGreys } from "../../src/pyama/web/static/grey_levels.js";

const group = { low: 100, high: 1100 };
const grey = (value, range) => greyOf(value, range) & 0xff;

test("full resolution is drawn by its counts", () => {
  assert.deepEqual(toPixelValues([200, 700], "0", group), [200, 700]);
});

test("a preview is drawn by the counts that its pixels stand for", () => {
  assert.deepEqual(toPixelValues([100, 1100], "1", group), [0, 255]);
  assert.deepEqual(toPixelValues([600, 1600], "1", group), [127.5, 382.5]);
});

test("the same counts have the same grey in both levels, within a step of the preview", () => {
  const range = [350, 900];
  for (let counts = 100; counts <= 1100; counts += 25) {
    const preview = Math.round((255 * (counts - group.low)) / (group.high - group.low));
    const both = ["0", "1"].map((level) => grey(level === "0" ? counts : preview, toPixelValues(range, level, group)));
    assert.ok(Math.abs(both[0] - both[1]) <= 2, `${counts}: ${both}`);
  }
});

test("a preview without contrast is drawn as it is stored", () => {
  assert.deepEqual(toPixelValues([5, 5], "1", { low: 5, high: 5 }), [0, 255]);
  assert.deepEqual(toPixelValues([0, 0], "1", { low: null, high: null }), [0, 255]);
});

test("black, white, what lies beyond them, and what lies between", () => {
  assert.deepEqual([0, 100, 150, 200, 900].map((value) => grey(value, [100, 200])), [0, 0, 128, 255, 255]);
  assert.equal(greyOf(200, [100, 200]), 0xffffffff);
  assert.equal(greyOf(0, [100, 200]), 0xff000000);
  assert.equal(grey(100, [100, 100]), 0); // no division by zero
});

test("a table and the computation of every pixel give the same greys", () => {
  const range = [3.3, 200.1];
  const values = Array.from({ length: 256 }, (_, i) => i);
  const [byTable, wide, one] = [Uint8Array, Uint16Array, Float32Array].map((type) => {
    const greys = new Uint32Array(256);
    writeGreys(type.from(values), range, greys);
    return [...greys];
  });
  assert.deepEqual(byTable, values.map((value) => greyOf(value, range)));
  assert.deepEqual(wide, byTable);
  assert.deepEqual(one, byTable);
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
  assert.deepEqual([...readRanges('{"pc_ch_0": [1, 2.5], "fl_ch_1": [3], "x": "12", "y": [null, 2]}')], [["pc_ch_0", [1, 2.5]]]);
  for (const text of [null, "", "{", "null", "[1]"]) assert.deepEqual([...readRanges(text)], []);
});
