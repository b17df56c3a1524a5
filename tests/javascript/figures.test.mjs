import "./browser.mjs";
import assert from "node:assert/strict";
import { test } from "node:test";
import { rowTexts } from "../../src/pyama/web/static/distributions.js";
import { describeBin } from "../../src/pyama/web/static/histogram.js";
import { axisRange, formatTicks, logAxisRange, logTicks } from "../../src/pyama/web/static/numbers.js";
import { nearestCell, pointsOf } from "../../src/pyama/web/static/scatter.js";
import { addLine, nearestPoint } from "../../src/pyama/web/static/trace_plot.js";

const scales = { x: (frame) => 10 * frame, y: (value) => 240 - 10 * value };
const line = (cell, style, values) => ({ cell, style, values, frames: values.map((_, i) => i), source: values });

test("a click selects the trace that is nearest, if one is near", () => {
  const lines = [line(1, "plain", [0, 0, 0, null, 0]), line(2, "selected", [20, 20, 0, 10, 20]), line(3, "fit", [10, 10, 10, 10, 10])];
  const at = (frame, value) => nearestPoint(lines, scales, scales.x(frame), scales.y(value));
  assert.deepEqual([at(0, 0.5).cell, at(0, 0.5).frame, at(0, 0.5).value], [1, 0, 0]);
  assert.equal(at(1, 20).cell, 2);
  assert.equal(at(2, 0).cell, 2); // both are there: the selected one stays selected
  assert.equal(at(0, 10), null); // only a fit is near
});

test("a line has a gap where a cell is absent or has no value, and a circle where it is there for one frame", () => {
  const drawn = [];
  const note = (kind) => (x) => drawn.push([kind, x]);
  const path = { moveTo: note("move"), lineTo: note("line"), arc: note("circle") };
  addLine(path, { frames: [0, 1, 3, 4, 5, 8], values: [1, 1, 1, null, 1, 1] }, scales, 2);
  const circles = [30, 50, 80].flatMap((x) => [["move", x + 2], ["circle", x]]); // points without neighbours
  assert.deepEqual(drawn, [["move", 0], ["line", 10], ...circles]);
});

test("numbers along an axis differ, however far it is zoomed", () => {
  assert.deepEqual(formatTicks([0, 200000, 400000], 200000), ["0", "200000", "400000"]);
  assert.deepEqual(formatTicks([123456.1, 123456.2], 0.1), ["123456.1", "123456.2"]);
  assert.deepEqual(formatTicks([0.99991, null, 0.99993], 0.00001), ["0.99991", null, "0.99993"]);
  assert.deepEqual(formatTicks([12345671, 12345672], 1), ["1.2345671e+7", "1.2345672e+7"]);
  assert.deepEqual(formatTicks([1e6, 1.25e6, 2e6], 0.25e6), ["1e+6", "1.25e+6", "2e+6"]);
  assert.deepEqual(formatTicks([0], 0), ["0"]);
});

test("a logarithmic axis shows what is above 0, and has round numbers", () => {
  const [low, high] = logAxisRange([-5, 0, 1, null, 1000]);
  assert.ok(low > 0.5 && low < 1 && high > 1000 && high < 2000);
  for (const values of [[7, 7], [], [-1]]) {
    const [least, most] = logAxisRange(values);
    assert.ok(least > 0 && least < most);
  }
  assert.deepEqual(logTicks(0.8, 25), [0.8, 0.9, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 20]);
  assert.deepEqual(logTicks(31, 39), []);
  assert.deepEqual(logTicks(8, 20), [8, 9, 10, 20]); // both ends count
});

test("the axis of times has no free space", () => {
  assert.deepEqual(axisRange([0, 5, 40], 0), [0, 40]);
  const [first, last] = axisRange([3], 0);
  assert.ok(first < 3 && 3 < last); // a single frame
});

test("a bin has its limits and the share of each sample", () => {
  const bins = { edges: [0, 0.5, 1], samples: [{ sample: "a", shares: [25, 75] }, { sample: "b", shares: [100, 0] }] };
  assert.equal(describeBin(bins, 0.7), "0.5 – 1: a 75 %, b 0 %");
  assert.equal(describeBin(bins, 0), "0 – 0.5: a 25 %, b 100 %");
  assert.equal(describeBin(bins, 1), "0.5 – 1: a 75 %, b 0 %"); // the last bin includes its end
  assert.equal(describeBin(bins, -0.1), "");
});

test("the table gives number, median, and the lower quartile before the upper one", () => {
  assert.deepEqual(rowTexts({ n: 4, q25: 1.25, median: 2.5, q75: 3.75 }), ["4", "2.5", "1.25 – 3.75"]);
  assert.deepEqual(rowTexts({ n: 1, q25: 0, median: 0, q75: 0 }), ["1", "0", "0 – 0"]);
  assert.deepEqual(rowTexts({ n: 0, q25: null, median: null, q75: null }), ["0", "–", "–"]);
});

test("cells of a scatter plot are found by their place, also on logarithmic axes", () => {
  const sample = (name, cells, x, y) => ({ sample: name, color: "#000", n: x.length, recordings: name === "b" ? ["day 1"] : [], fovs: x.map(() => 7), cells, x, y });
  const axis = (scale) => ({ name: "a", label: "a", scale, limits: [0, 1] });
  const samples = [sample("a", [1, 2], [5, -1], [50, 60]), sample("b", [3], [2], [20])];
  const points = pointsOf({ x: axis("linear"), y: axis("log"), samples, not_shown: "" });
  assert.deepEqual(points.map(({ sample, place, x }) => [sample, place, x]), [["a", "FOV 7, cell 2", -1], ["b", "day 1, FOV 7, cell 3", 2], ["a", "FOV 7, cell 1", 5]]);
  assert.deepEqual(pointsOf({ x: axis("log"), y: axis("log"), samples, not_shown: "" }).map(({ x }) => x), [2, 5]);
  assert.equal(nearestCell(points, scales, 21, 42)?.place, "day 1, FOV 7, cell 3");
  assert.equal(nearestCell(points, scales, 40, 42), null);
});
