import assert from "node:assert/strict";
import { test } from "node:test";
import "./browser.mjs";
import { fitText } from "../../src/pyama/web/static/fit_form.js";
import { toFitOptions } from "../../src/pyama/web/static/fit_options.js";
import { classText, parameterText } from "../../src/pyama/web/static/fit_results.js";

const T0 = { name: "t0", fixed: false, default: 2, lower: 0, upper: null };
const KM = { name: "km", fixed: true, default: 1.28, lower: 0, upper: 30 };
const row = (parameter, typed = {}) => ({ parameter, isFixed: parameter.fixed, value: "", lower: "", upper: "", ...typed });

test("what has its default is left out of a fit", () => {
  const none = { free: "", fix: [], bound: [], guess: [] };
  assert.deepEqual(toFitOptions([row(T0), row(KM)]), none);
  assert.deepEqual(toFitOptions([row(T0), row(KM, { value: " 1.280 " })]), none);
});

test("values are passed on as they were typed, for the server to read", () => {
  assert.deepEqual(toFitOptions([row(T0, { isFixed: true, value: " 1,5" }), row(KM, { isFixed: false, value: "2", upper: "9" })]),
    { free: "km", fix: ["t0=1,5"], bound: ["km=0:9"], guess: ["km=2"] });
  assert.deepEqual(toFitOptions([row(T0, { isFixed: true })]).fix, ["t0="]);
  assert.deepEqual(toFitOptions([row(T0, { lower: "-1" })]).bound, ["t0=-1:inf"]);
});

test("a fit under way and its end are told", () => {
  const fit = { status: "running", message: "", fraction: 0.256, seconds_left: 3.2, cells: 0, fitted: [], warnings: [] };
  assert.equal(fitText(fit), "Fitting: 25 %, about 4 s left");
  assert.equal(fitText({ ...fit, status: "cancelled", cells: 5, fitted: ["a"] }), "Cancelled. Fitted 5 cells.");
  assert.equal(fitText({ ...fit, status: "failed", message: "Why." }), "Failed. Why.");
});

test("fixed parameters are marked", () => {
  assert.equal(parameterText({ fixed: 1.28, median: 1.28, q25: 1.28, q75: 1.28 }), "1.28 (fixed)");
  assert.equal(parameterText({ fixed: null, median: 2, q25: 1, q75: 3 }), "2 (1 – 3)");
  assert.equal(parameterText({ fixed: null, median: null, q25: null, q75: null }), "–");
  assert.equal(classText({ cells: 5, classes: { good: 4, poor: 1 } }), "5: 4 good, 1 poor");
});
