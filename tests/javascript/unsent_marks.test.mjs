import assert from "node:assert/strict";
import { test } from "node:test";
import { unsentMarks, withMarks } from "../../src/pyama/web/static/unsent_marks.js";

const mark = (cell, good, frame = 0) => ({ kind: "act", action: { kind: "mark", cell, good, frame } });
const undo = { kind: "undo", action: null };
const redo = { kind: "redo", action: null };
const other = { kind: "act", action: { kind: "delete", cell: 9 } };

test("of marks that wait, those that were undone do not count", () => {
  const cells = (...clicks) => unsentMarks(clicks).map(({ cell }) => cell);
  assert.deepEqual(cells(mark(1, false), mark(2, true)), [1, 2]);
  assert.deepEqual(cells(mark(1, false), mark(2, true), undo), [1]);
  assert.deepEqual(cells(mark(1, false), undo, undo, mark(2, true)), [2]); // the second is about what is saved
  assert.deepEqual(cells(mark(1, false), undo, redo), [1]);
  assert.deepEqual(cells(mark(1, false), undo, mark(2, true), redo), [2]);
  assert.deepEqual(cells(mark(1, false), other, undo), [1]);
  assert.deepEqual(cells(redo, undo), []);
});

test("marks that wait are shown in the frames of their cell", () => {
  const track = { cell: 3, segments: [[3, 2, 4], [5, 5, 6], [3, 8, 9]], bad: [[4, 5], [9, 9]], n: 7 };
  const after = (...clicks) => withMarks([track], unsentMarks(clicks))[0];
  assert.deepEqual(after(mark(3, false)).bad, [[2, 6], [8, 9]]);
  assert.deepEqual(after(mark(3, false, 5)).bad, [[4, 6], [8, 9]]);
  assert.deepEqual(after(mark(3, false, 7)).bad, [[4, 5], [8, 9]]);
  assert.deepEqual(after(mark(3, true)).bad, []);
  assert.deepEqual(after(mark(3, true, 5)).bad, [[4, 4]]);
  assert.deepEqual(after(mark(3, false), mark(3, true, 3)).bad, [[2, 2]]);
  assert.equal(after(mark(3, true)).isUnsent, true);
  assert.equal(after(mark(4, true)), track);
  assert.deepEqual(track.bad, [[4, 5], [9, 9]]);
});
