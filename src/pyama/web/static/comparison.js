// How the samples differ: the test on replicates, and beside it that of all cells, both from the server.

import { card, element, fillSelect, find, showErrorsOf } from "./elements.js";
import { formatNumber } from "./numbers.js";
import { get, makeLatestCheck } from "./requests.js";
import { openTables } from "./state.js";

/** Names of what counts as a replicate, in the plural. @type {Record<string, string>} */
const PLURALS = { replicate: "replicates", recording: "recordings", "field of view": "fields of view" };

export function makeComparisonCard() {
  return card("Comparison",
    element("p", {}, "How samples differ, as by pyama compare. All fits count, also poor ones, except those of cells that do not express."),
    element("div", { className: "bar" },
      element("label", {}, "Compare ", element("select", { id: "comparison-of", onchange: () => { isChosen = true; clear(); } })),
      element("label", {}, "with ", element("select", { id: "comparison-reference", onchange: clear })),
      element("button", { id: "comparison-make", className: "main", onclick: compare }, "Compare")),
    element("div", { id: "comparison" }));
}

/** Whether somebody has chosen what is compared; else it is the first fit, or the traces. */
let isChosen = false;

/**
 * Takes what can be compared; what was chosen stays chosen.
 * @param {Array<Api.FittedTable>} fits
 * @param {Array<string>} columns Of the traces.
 * @param {Array<string>} samples
 */
export function showComparable(fits, columns, samples) {
  const kinds = new Map(fits.map(({ model, column }) => [JSON.stringify({ model, column }), `fits: ${model}, ${column}`]));
  const isTotal = (/** @type {string} */ name) => Number(name.startsWith("intensity_total"));
  const traces = [...columns].sort((a, b) => isTotal(b) - isTotal(a)).map((column) => [JSON.stringify({ column }), `traces: ${column}`]);
  fillSelect(find("comparison-of"), /** @type {Array<[string, string]>} */ ([...kinds, ...traces]), isChosen ? find("comparison-of").value : undefined);
  fillSelect(find("comparison-reference"), samples.map((name) => [name, name]), find("comparison-reference").value);
  find("comparison-make").disabled = samples.length < 2;
  clear();
  if (samples.length < 2) find("comparison").append("There is nothing to compare: merge two samples or more.");
}

const startRequest = makeLatestCheck();

function clear() {
  startRequest();
  find("comparison").replaceChildren();
}

const compare = showErrorsOf(async () => {
  clear();
  const isLatest = startRequest();
  find("comparison").append("Comparing …");
  try {
    const compared = await get("comparison", { ...openTables(), ...JSON.parse(find("comparison-of").value), reference: find("comparison-reference").value });
    if (isLatest()) find("comparison").replaceChildren(...makeResults(compared));
  } catch (error) {
    if (isLatest()) clear();
    throw error;
  }
});

/** @param {Api.Comparison} compared */
function makeResults({ samples, level, pairs, notes, warnings }) {
  const units = PLURALS[level];
  const counts = /** @type {const} */ (["cells", "fovs", "recordings", "replicates"]).filter((name) => samples.some((sample) => sample[name] !== null));
  return [
    element("ul", { className: "notes problem" }, ...warnings.map((text) => element("li", {}, text))),
    makeTable("What the samples consist of", ["sample", ...counts.map((name) => (name === "fovs" ? "FOVs" : name))],
      samples.map((sample) => [sample.sample, ...counts.map((name) => `${sample[name] ?? "–"}`)])),
    makeTable(`Test of ${units}: the result to cite`, ["feature", "b − a", "difference", "95 % interval", "p", "p, Holm", "test", "mean of a", "mean of b", `${units}, a and b`],
      pairs.map((pair) => [...namesOf(pair), toText(pair.difference), interval(pair.low, pair.high), pText(pair.p), pText(pair.p_adjusted),
        pair.test, toText(pair.mean_a), toText(pair.mean_b), `${pair.units_a}, ${pair.units_b}`])),
    element("ul", { className: "notes" }, ...notes.map((text) => element("li", {}, text))),
    element("details", {}, element("summary", {}, "All cells, as if they were independent (p is too small)"),
      makeTable("", ["feature", "b − a", "shift", "95 % interval", "p, cells", "Cliff's delta", "median of a", "median of b", "cells, a and b"],
        pairs.map((pair) => [...namesOf(pair), toText(pair.shift), interval(pair.shift_low, pair.shift_high), pText(pair.p_cells),
          toText(pair.effect), toText(pair.median_a), toText(pair.median_b), `${pair.n_a}, ${pair.n_b}`]))),
  ];
}

/** @param {Api.ComparedPair} pair */
const namesOf = ({ feature, unit, a, b }) => [unit ? `${feature} (${unit})` : feature, `${b} − ${a}`];

/** @param {number | null} value */
const toText = (value) => (value === null ? "–" : formatNumber(value));

/** @param {number | null} p */
const pText = (p) => (p === null ? "–" : `${Number(p.toPrecision(2))}`);

/**
 * @param {number | null} low
 * @param {number | null} high
 */
const interval = (low, high) => (low === null || high === null ? "–" : `${formatNumber(low)} to ${formatNumber(high)}`);

/**
 * @param {string} caption
 * @param {Array<string>} head
 * @param {Array<Array<string>>} rows
 */
function makeTable(caption, head, rows) {
  return element("table", { className: "results" },
    ...(caption ? [element("caption", {}, caption)] : []),
    element("thead", {}, element("tr", {}, ...head.map((text) => element("th", { scope: "col" }, text)))),
    element("tbody", {}, ...rows.map(([name, ...texts]) => element("tr", {}, element("th", { scope: "row" }, name),
      ...texts.map((text, i) => element("td", { className: "n", "data-sample": head[i + 1] }, text))))));
}
