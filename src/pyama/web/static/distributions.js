// How the numbers of the fits are distributed in each sample. Histogram, medians and quartiles
// are computed by the server, as for the report and the figures.

import { toOption } from "./cell_panel.js";
import { sampleColour } from "./colours.js";
import { card, element, fillSelect, find, showErrorsOf } from "./elements.js";
import { makeFigureButtons } from "./figure_files.js";
import { makeHistogram } from "./histogram.js";
import { formatNumber } from "./numbers.js";
import { makeLatestCheck, post } from "./requests.js";
import { farOutNote, showScatterNumbers } from "./scatter.js";

/** @type {{dir: string, fits: Array<Api.FittedTable>}} Tables of fits of the samples. */
let shown = { dir: "", fits: [] };

export function makeDistributionCard() {
  return card("3 · Distributions",
    element("p", { id: "no-fits", hidden: true }, "No fit yet. Merge the samples, then fit them."),
    element("div", { id: "distribution", className: "bar" },
      element("label", {}, "Fit ", element("select", { id: "shown-fit", onchange: showErrorsOf(showNumbers) })),
      element("label", {}, "Parameter ", element("select", { id: "parameter", onchange: showErrorsOf(showDistribution) })),
      element("label", { className: "check" },
        element("input", { id: "good-only", type: "checkbox", onchange: showErrorsOf(showNumbers) }), "only fits with R² above"),
      element("input", { id: "min-r-squared", type: "number", value: "0.9", max: "1", step: "0.01", "aria-label": "Least R²", onchange: showErrorsOf(showNumbers) }),
      element("button", { onclick: () => chart?.reset() }, "Reset zoom"),
      ...makeFigureButtons(() => "figures/histogram", () => ({ ...chosenFits(), name: find("parameter").value, ...chart?.shownPart() }))),
    element("div", { id: "histogram", className: "chart", role: "img", "aria-label": "Histogram of the fits" }),
    element("table", {}, element("tbody", { id: "summary" })),
    element("p", { id: "histogram-note", className: "soft" }));
}

/**
 * Model and column: fits that have both in common are compared.
 * @param {Api.FittedTable} fit
 */
const kindOf = ({ model, column }) => `${model}, ${column}`;

/** The fits that are compared. */
const comparedFits = () => shown.fits.filter((fit) => kindOf(fit) === find("shown-fit").value);

/** The cells that are compared. */
function chosenFits() {
  const [{ model, column }] = comparedFits();
  const limit = find("min-r-squared").valueAsNumber;
  return { dir: shown.dir, model, column, min_r_squared: find("good-only").checked && !Number.isNaN(limit) ? limit : undefined };
}

/**
 * Chooses what is compared when fits are shown next.
 * @param {Api.FittedTable} fit
 */
export function chooseFit(fit) {
  fillSelect(find("shown-fit"), [toOption(kindOf(fit))], kindOf(fit));
}

/**
 * Takes the fits of an output folder; what was chosen stays chosen.
 * @param {string} dir
 * @param {Array<Api.FittedTable>} fits
 */
export async function showFits(dir, fits) {
  shown = { dir, fits };
  const kinds = [...new Set(fits.map(kindOf))];
  fillSelect(find("shown-fit"), kinds.map(toOption), find("shown-fit").value || kinds[0]);
  find("no-fits").hidden = kinds.length > 0;
  find("distribution").hidden = !kinds.length;
  await showNumbers();
}

/** Lists the numbers of the fits that are compared. */
async function showNumbers() {
  const units = Object.entries(Object.assign({}, ...comparedFits().map((fit) => fit.units)));
  const options = units.map(([name, unit]) => /** @type {[string, string]} */ ([name, unit ? `${name} (${unit})` : name]));
  const proposed = options.find(([name]) => name === "r_squared") ?? options[0];
  fillSelect(find("parameter"), options, find("parameter").value || proposed?.[0]);
  await showDistribution();
  await showScatterNumbers(options.length ? chosenFits() : null, options);
}

const startRequest = makeLatestCheck();
/** @type {import("./chart.js").Chart | null} */
let chart = null;

async function showDistribution() {
  const isLatest = startRequest();
  const { dir } = shown;
  const name = find("parameter").value;
  const tables = comparedFits().map(({ table }) => table);
  const distribution = name && tables.length ? await post("distribution", { dir }, { tables, name, min_r_squared: chosenFits().min_r_squared }) : null;
  if (!isLatest()) return;
  find("histogram").hidden = !distribution;
  find("summary").replaceChildren();
  chart?.destroy();
  chart = distribution && makeHistogram(find("histogram"), distribution, axisTitle(distribution));
  find("histogram-note").textContent = farOutNote(distribution?.not_shown);
  if (!distribution) return;
  find("summary").append(
    element("tr", {}, ...["sample", "cells", "median", "25–75 %"].map((text) => element("th", {}, text))),
    ...distribution.samples.map(makeRow));
}

/** @param {Pick<Api.Distribution, "name" | "unit">} distribution */
export const axisTitle = ({ name, unit }) => (unit ? `${name} (${unit})` : name);

/**
 * Number of cells, median, and quartiles, as texts.
 * @param {Pick<Api.SampleDistribution, "n" | "q25" | "median" | "q75">} distribution
 */
export function rowTexts({ n, q25, median, q75 }) {
  return [`${n}`, toText(median), q25 === null || q75 === null ? "–" : `${toText(q25)} – ${toText(q75)}`];
}

/** @param {Api.SampleDistribution} distribution */
function makeRow(distribution) {
  const { sample, color } = distribution;
  const swatch = element("i", {}, "■ ");
  swatch.style.color = sampleColour(color);
  const numbers = rowTexts(distribution);
  return element("tr", {}, element("td", {}, swatch, sample), ...numbers.map((text) => element("td", { className: "n" }, text)));
}

/** @param {number | null} value */
const toText = (value) => (value === null ? "–" : formatNumber(value));
