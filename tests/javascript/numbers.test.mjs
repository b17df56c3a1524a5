import assert from "node:assert/strict";
import { test } from "node:test";
import { axisRange, axisTicks, formatNumber, formatRanges, formatTime } from "../../src/pyama/web/static/numbers.js";

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

test("ticks are round, ascending, inside the axis, and about as many as asked for", () => {
  for (const low of [-1e6, -3.7, -0.001, 0, 1e-7, 0.3, 12, 4096, 1e9]) {
    for (const span of [1e-6, 0.37, 1, 9.99, 250, 1e7]) {
      const ticks = axisTicks(low, low + span, 5);
      assert.ok(ticks.length >= 2 && ticks.length <= 6, `${ticks}`);
      for (const [i, tick] of ticks.entries()) {
        assert.ok(tick >= low - span * 1e-6 && tick <= low + span * 1.000001, `${tick} for ${low}, ${span}`);
        if (i) assert.ok(tick > ticks[i - 1]);
      }
    }
  }
  assert.deepEqual(axisTicks(0, 10, 5), [0, 2, 4, 6, 8, 10]);
  assert.deepEqual(axisTicks(-1, 1, 4), [-1, -0.5, 0, 0.5, 1]);
});

test("ticks have an end where steps are below the precision of the numbers", () => {
  assert.ok(axisTicks(1e17, 1e17, 5).length < 10);
  assert.ok(axisTicks(1e17, 1e17 + 64, 5).length < 10);
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
