import assert from "node:assert/strict";
import { test } from "node:test";
import { axisRange, formatNumber, formatRanges, formatTime } from "../../src/pyama/web/static/numbers.js";

test("a number has four digits, and an exponent where it is very large or small", () => {
  const texts = [[0, "0"], [3, "3"], [1234.56, "1235"], [0.00123456, "0.001235"], [-2.5, "-2.5"],
    [1e6, "1.0e+6"], [9.9e-5, "9.9e-5"], [999999, "1000000"], [-3e8, "-3.0e+8"]];
  for (const [value, text] of texts) assert.equal(formatNumber(value), text);
});

test("times are in hours from two hours on", () => {
  assert.deepEqual([0, 5, 119, 120, 330].map(formatTime), ["0 min", "5 min", "119 min", "2 h", "5.5 h"]);
});

test("single frames and ranges of frames", () => {
  assert.equal(formatRanges([[3, 3], [5, 7]]), "3, 5–7");
  assert.equal(formatRanges([]), "");
});

test("an axis shows all values with space at both ends", () => {
  assert.deepEqual(axisRange([0, null, 100]), [-5, 105]);
  assert.deepEqual(axisRange([]), axisRange([0, 1]));
  assert.deepEqual(axisRange([null, null]), axisRange([0, 1]));
});

test("an axis of equal values has an extent, also where they are large", () => {
  for (const value of [0, -7, 5e4, 1e17]) {
    const [low, high] = axisRange([value, value]);
    assert.ok(low < value && value < high);
  }
});

test("an axis takes more values than a call has room for", () => {
  const values = Array.from({ length: 500_000 }, (_, i) => i);
  assert.ok(axisRange(values)[1] > 499_999);
});
