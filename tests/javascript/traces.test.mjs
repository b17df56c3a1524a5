import assert from "node:assert/strict";
import { test } from "node:test";
import { joinParts, legendEntries, partLines, plotTimes, traceLines } from "../../src/pyama/web/static/trace_lines.js";
import { drawLine, makeScales, nearestPoint } from "../../src/pyama/web/static/trace_plot.js";
import { TrackIndex, frameSpan } from "../../src/pyama/web/static/track_index.js";

// Cell 1 has label 4 at first, then 1; label 4 belongs to cell 9 later.
const tracks = [
  { cell: 1, segments: [[4, 0, 2], [1, 3, 5]], bad: [[0, 1], [4, 4]], n: 6 },
  { cell: 9, segments: [[4, 3, 5]], bad: [], n: 3 },
];
const trace = (cell, values, first = 0) => ({ cell, frames: values.map((_, i) => first + i), values });
const shown = { times: [0, 5, 10, 15], traces: [trace(1, [3, null, 5]), trace(2, [1, 2], 2)], cell: 1, effect: null, isBad: (cell) => cell === 2, fitOf: () => undefined };

test("a label belongs to one cell in every frame", () => {
  const index = new TrackIndex(tracks);
  assert.deepEqual([0, 2, 3, 5].map((frame) => index.cellOf(4, frame)), [1, 1, 9, 9]);
  assert.deepEqual([2, 3].map((frame) => index.cellOf(1, frame)), [null, 1]);
  assert.equal(index.cellOf(77, 0), null);
  assert.deepEqual(index.cells, [1, 9]);
  assert.deepEqual(new TrackIndex().cells, []);
});

test("a cell is bad in some frames", () => {
  const index = new TrackIndex(tracks);
  assert.deepEqual([0, 1, 2, 3, 4, 5].map((frame) => index.isBad(1, frame)), [true, true, false, false, true, false]);
  assert.equal(index.isBad(9, 3), false);
  assert.equal(index.isBad(2, 0), false);
  assert.deepEqual(frameSpan(tracks[0]), [0, 5]);
});

test("long movies have an axis in hours", () => {
  assert.deepEqual(plotTimes([0, 60, 120]), { times: [0, 1, 2], timeUnit: "h" });
  assert.deepEqual(plotTimes([0, 5, 119]), { times: [0, 5, 119], timeUnit: "min" });
});

test("traces have their values at the times of their frames", () => {
  const [first, second] = traceLines(shown);
  assert.deepEqual(first, { cell: 1, style: "selected", points: [{ time: 0, value: 3, frame: 0 }, { time: 5, value: null, frame: 1 }, { time: 10, value: 5, frame: 2 }] });
  assert.equal(second.style, "bad");
  assert.deepEqual(second.points.map(({ time }) => time), [10, 15]);
});

test("a fit is drawn over its trace, at the frames of the trace", () => {
  const fitOf = (cell) => (cell === 2 ? { cell, values: [9, 8, 7] } : undefined);
  const lines = traceLines({ ...shown, fitOf });
  assert.deepEqual(lines.map(({ style }) => style), ["selected", "bad", "fit"]);
  assert.deepEqual(lines[2].points.map(({ value }) => value), [7, null]);
});

test("while a change is previewed, its effect is all that stands out", () => {
  const effect = { before: [trace(1, [3])], after: [trace(1, [4])] };
  const lines = traceLines({ ...shown, effect });
  assert.deepEqual(lines.map(({ style }) => style), ["plain", "plain", "before", "after"]);
});

test("the legend names what is drawn", () => {
  const texts = (given) => legendEntries({ showsParts: false, showsEffect: false, lines: [], isFitCurrent: true, ...given }).map(([, text]) => text);
  const lines = [{ cell: 1, style: "fit", points: [] }];
  assert.deepEqual(texts({}), ["selected", "bad"]);
  assert.deepEqual(texts({ lines }), ["selected", "bad", "fit"]);
  assert.match(texts({ lines, isFitCurrent: false })[2], /of earlier traces/);
  assert.deepEqual(texts({ showsEffect: true }), ["before", "after"]);
  assert.deepEqual(texts({ showsParts: true }), ["raw", "background", "corrected"]);
});

test("the parts of a cell come from all of its labels, each in its own frames", () => {
  const part = (label, frames) => ({ label, frames, raw: frames.map((f) => 100 + f), background: frames.map(() => label), corrected: frames.map((f) => f) });
  const parts = joinParts(tracks[0], [part(1, [3, 4, 5]), part(4, [0, 1, 2, 3, 4, 5])]);
  assert.deepEqual(parts.points.map(({ frame, background }) => [frame, background]), [[0, 4], [1, 4], [2, 4], [3, 1], [4, 1], [5, 1]]);
  const lines = partLines(parts, [0, 5, 10, 15, 20, 25]);
  assert.deepEqual(lines.map(({ points }) => points[5].value), [105, 1, 5]);
});

test("a click selects the trace that is nearest, if one is near", () => {
  const scales = makeScales(492, 246, [0, 40], [0, 20]);
  const line = (cell, style, values) => ({ cell, style, points: values.map((value, i) => ({ time: 10 * i, value, frame: i })) });
  const lines = [line(1, "plain", [0, 0, 0, null, 0]), line(2, "selected", [20, 20, 0, 10, 20]), line(3, "fit", [10, 10, 10, 10, 10])];
  const at = (time, value) => nearestPoint(lines, scales, scales.x(time), scales.y(value));
  assert.deepEqual(at(0, 0.5) && [at(0, 0.5).cell, at(0, 0.5).frame], [1, 0]);
  assert.equal(at(10, 20).cell, 2);
  assert.equal(at(20, 0).cell, 2); // both are there: the selected one stays selected
  assert.equal(at(10, 10), null); // only a fit is near
});

test("a line has a gap where a cell is absent or has no value", () => {
  const drawn = [];
  const note = (kind) => (x) => drawn.push([kind, x]);
  const context = { setLineDash() {}, beginPath() {}, stroke() {}, moveTo: note("move"), lineTo: note("line") };
  const points = [0, 1, 3, 4, 5].map((frame) => ({ time: 10 * frame, value: frame === 4 ? null : 1, frame }));
  drawLine(context, { x: (time) => time, y: (value) => value }, { points }, { colour: "red" });
  assert.deepEqual(drawn, [["move", 0], ["line", 0.6], ["line", 10], ["move", 30], ["line", 30.6], ["move", 50], ["line", 50.6]]);
});

test("the plot has its axes at its edges", () => {
  const { x, y } = makeScales(492, 246, [0, 40], [5, 25]);
  assert.deepEqual([x(0), x(40), y(5), y(25)], [80, 480, 212, 12]);
  assert.ok(Number.isFinite(makeScales(492, 246, [3, 3], [0, 1]).x(3))); // a single frame
});

test("a cell without a trace is found by its label and drawn below the others", () => {
  const index = new TrackIndex(tracks, [{ cell: 7, group: "too short", first: 2, n: 3 }]);
  assert.equal(index.absent.get(7).n, 3);
  assert.equal(index.cellOf(7, 2), null);
  assert.equal(new TrackIndex(tracks).absent.size, 0);
  const lines = traceLines({ ...shown, cell: null, absent: trace(7, [4, null], 1) });
  assert.deepEqual(lines.map(({ cell, style }) => [cell, style]), [[7, "leftOut"], [1, "plain"], [2, "bad"]]);
  const [[style]] = legendEntries({ showsParts: false, showsEffect: false, lines, isFitCurrent: true });
  assert.equal(style, "leftOut");
});
