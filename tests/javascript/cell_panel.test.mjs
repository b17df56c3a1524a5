import "./browser.mjs";
import assert from "node:assert/strict";
import { test } from "node:test";
import { possibleSteps, titleOf } from "../../src/pyama/web/static/cell_panel.js";

const entry = (by, active) => ({ by, active });

test("everybody undoes and redoes their own corrections", () => {
  const steps = (...log) => Object.values(possibleSteps(log, "ann"));
  assert.deepEqual(steps(), [false, false]);
  assert.deepEqual(steps(entry("ann", true)), [true, false]);
  assert.deepEqual(steps(entry("ann", false)), [false, true]);
  assert.deepEqual(steps(entry("ann", false), entry("ann", true)), [true, true]);
  assert.deepEqual(steps(entry("bob", true), entry("bob", false)), [false, false]);
  assert.deepEqual(steps(entry("bob", false), entry("ann", true)), [true, false]);
});

test("the title of a cell says where it is, what is bad and where it comes from", () => {
  const track = { cell: 3, segments: [[3, 2, 9]], bad: [], n: 7 };
  assert.equal(titleOf(track, undefined), "Cell 3: frames 2–9 (7), good");
  assert.equal(titleOf({ ...track, bad: [[2, 4], [8, 8]] }, undefined), "Cell 3: frames 2–9 (7), bad in 2–4, 8");
  assert.equal(titleOf({ ...track, segments: [[3, 2, 4], [5, 5, 9]] }, undefined), "Cell 3: frames 2–9 (7), good · labels 3, 5");
  assert.equal(titleOf({ ...track, segments: [[4, 2, 9]] }, undefined), "Cell 3: frames 2–9 (7), good · labels 4");
  assert.equal(titleOf(track, { model: "maturation", r_squared: 0.98765 }), "Cell 3: frames 2–9 (7), good · maturation: R² 0.9877");
});
