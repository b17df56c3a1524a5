// What was fitted: medians and quartiles of the parameters in each sample, and which were fixed.

import { card, element, find } from "./elements.js";
import { formatNumber } from "./numbers.js";

export function makeFitResultsCard() {
  return card("Results of the fits", element("div", { id: "fit-results" }));
}

/** @param {Array<Api.FittedTable>} fits */
export function showFitResults(fits) {
  const kinds = [...new Set(fits.map(({ model, column }) => `${model}, ${column}`))];
  find("fit-results").replaceChildren(...(kinds.length ? [] : ["No fit yet. Merge the samples, then fit them."]),
    ...kinds.map((kind) => makeTable(kind, fits.filter(({ model, column }) => `${model}, ${column}` === kind))));
}

/**
 * @param {string} kind
 * @param {Array<Api.FittedTable>} fits One sample each.
 */
function makeTable(kind, fits) {
  const samples = fits.map(({ sample }) => sample);
  const row = (/** @type {string} */ title, /** @type {Array<string>} */ texts) => makeRow(title, texts, samples);
  const names = [...new Set(fits.flatMap(({ parameters }) => parameters.map(({ name }) => name)))];
  return element("table", { className: "results" },
    element("caption", {}, kind),
    element("thead", {}, element("tr", {}, element("th", { scope: "col" }, "median (25–75 %)"), ...samples.map((sample) => element("th", { scope: "col" }, sample)))),
    element("tbody", {},
      row("cells", fits.map(classText)),
      row("median R²", fits.map(({ median_r_squared: value }) => (value === null ? "–" : value.toFixed(4)))),
      ...names.map((name) => {
        const found = fits.map(({ parameters }) => parameters.find((entry) => entry.name === name));
        const unit = found.find(Boolean)?.unit;
        return row(unit ? `${name} (${unit})` : name, found.map((entry) => (entry ? parameterText(entry) : "–")));
      })));
}

/**
 * @param {string} title
 * @param {Array<string>} texts
 * @param {Array<string>} samples Shown beside each text where the table has no room for columns.
 */
function makeRow(title, texts, samples) {
  return element("tr", {}, element("th", { scope: "row" }, title), ...texts.map((text, i) => element("td", { className: "n", "data-sample": samples[i] }, text)));
}

/** @param {Pick<Api.FittedTable, "cells" | "classes">} fit */
export function classText({ cells, classes }) {
  const parts = Object.entries(classes).map(([name, n]) => `${n} ${name}`);
  return parts.length ? `${cells}: ${parts.join(", ")}` : `${cells}`;
}

/** @param {Pick<Api.FittedParameter, "fixed" | "median" | "q25" | "q75">} parameter */
export function parameterText({ fixed, median, q25, q75 }) {
  if (fixed !== null) return `${formatNumber(fixed)} (fixed)`;
  if (median === null || q25 === null || q75 === null) return "–";
  return `${formatNumber(median)} (${formatNumber(q25)} – ${formatNumber(q75)})`;
}
