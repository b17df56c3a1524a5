import assert from "node:assert/strict";
import { test } from "node:test";
import { joinParts, legendEntries, partLines, plotTimes, traceLines } from "../../src/pyama/web/static/trace_lines.js";
import { TrackIndex, frameSpan } from "../../src/pyama/web/static/track_index.js";

// Cell 1 has label 4 at first, then 1; label 4 belongs to cell 9 later.
const tracks = [
  { cell: 1, segments: [[4, 0, 2], [1, 3, 5]], bad: [[0, 1], [4, 4]], n: 6 },
  { cell: 9, segments: [[4, 3, 5]], bad: [], n: 3 },
];
const trace = (cell, values, first = 0) => ({ cell, frames: values.map((_, i) => first + i), values });
const shown = { traces: [trace(1, [3, null, 5]), trace(2, [1, 2], 2)], cell: 1, effect: null, isBad: (cell) => cell === 2, fitOf: () => undefined };

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

const stylesOf = (lines) => lines.map(({ cell, style }) => `${cell} ${style}`);

test("lines of the selected cell and of bad ones stand out", () => {
  const lines = traceLines(shown);
  assert.deepEqual(stylesOf(lines), ["1 plain", "1 selected", "2 bad"]);
  assert.deepEqual([lines[1].frames, lines[1].values], [[0, 1, 2], [3, null, 5]]);
});

test("whichever cell is selected, the other lines stay as they are", () => {
  const rest = (cell) => traceLines({ ...shown, cell }).filter(({ style }) => style !== "selected");
  assert.deepEqual(stylesOf(rest(1)), stylesOf(rest(2)));
  assert.ok(rest(1).every(({ source }, i) => source === rest(2)[i].source));
});

test("a fit is drawn over its trace, at the frames of the trace", () => {
  const fitOf = (cell) => (cell === 2 ? { cell, values: [9, 8, 7] } : undefined);
  const lines = traceLines({ ...shown, fitOf });
  assert.deepEqual(stylesOf(lines), ["1 plain", "1 selected", "2 bad", "2 fit"]);
  assert.deepEqual([lines[3].frames, lines[3].values], [[2, 3], [7, null]]);
});

test("while a change is previewed, its effect is all that stands out", () => {
  const effect = { before: [trace(1, [3])], after: [trace(1, [4])] };
  const lines = traceLines({ ...shown, effect });
  assert.deepEqual(lines.map(({ style }) => style), ["plain", "plain", "before", "after"]);
});

test("the legend names what is drawn", () => {
  const texts = (given) => legendEntries({ showsParts: false, showsEffect: false, lines: [], isFitCurrent: true, ...given }).map(([, text]) => text);
  const lines = [{ cell: 1, style: "fit", frames: [], values: [] }];
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
  const lines = partLines(parts);
  assert.deepEqual(lines.map(({ frames, values }) => [frames[5], values[5]]), [[5, 105], [5, 1], [5, 5]]);
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
