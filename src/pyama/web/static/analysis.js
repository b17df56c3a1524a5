// Samples, merged tables, fits and the report of an output folder.

import { toOption } from "./cell_panel.js";
import { chooseFit, makeDistributionCard, showFits } from "./distributions.js";
import { card, element, fillSelect, find, showErrorsOf, showStatus } from "./elements.js";
import { forgetSamples, keepSamples, keptSamples, readRows } from "./kept_samples.js";
import { formatNumber } from "./numbers.js";
import { address, get, post } from "./requests.js";
import { makeScatterCard } from "./scatter.js";
import { openSource, state } from "./state.js";

/** @type {string | null} The output folder whose samples are shown. */
let shownDir = null;
/** @type {Array<string>} */
let mergedTables = [];

/** Shows the tables of the output folder that is open; samples are kept until another is opened. */
export async function openAnalysis() {
  if (!state.source) {
    find("analysis").replaceChildren(element("p", {}, "Choose a folder of results first."));
    return;
  }
  const { dir } = state.source;
  const [{ samples }, models, tables] = await Promise.all([get("samples", { dir }), get("models"), get("tables", { dir })]);
  if (dir !== state.source.dir) return;
  if (shownDir !== dir) {
    find("analysis").replaceChildren(element("div", { className: "columns" },
      element("div", {}, makeSamplesCard(), makeFitCard(models), makeTablesCard(), makeReportCard()),
      element("div", {}, makeDistributionCard(), makeScatterCard())));
    for (const [name, fovs] of keptSamples(dir) ?? Object.entries(samples)) addSample(name, fovs);
    keepSamples(dir, find("samples"));
    shownDir = dir;
  }
  await showTables(tables);
}

function makeSamplesCard() {
  return card("1 · Samples",
    element("p", {}, "Which fields of view (FOVs) belong to which sample? Ranges such as 0-3 include their end."),
    element("table", {},
      element("thead", {}, element("tr", {}, element("th", {}, "sample"), element("th", {}, "FOVs"), element("td"))),
      element("tbody", { id: "samples" })),
    element("p", {},
      element("button", { id: "sample-add", onclick: () => addSample("", "") }, "Add a sample"), " ",
      element("button", { id: "merge", className: "main", onclick: merge }, "Merge")));
}

/** @param {Array<string>} models */
function makeFitCard(models) {
  const list = element("select", { id: "fit-model" });
  fillSelect(list, models.map(toOption), "maturation");
  return card("2 · Fit",
    element("div", { className: "form" },
      element("label", { htmlFor: "fit-model" }, "Model"), list,
      element("label", { htmlFor: "fit-column" }, "Column"), element("select", { id: "fit-column" })),
    element("p", {}, element("button", { id: "fit", className: "main", disabled: true, onclick: fit }, "Fit all samples")));
}

function makeTablesCard() {
  return card("Tables",
    element("p", { id: "no-tables", hidden: true }, "No table yet. Merge the samples first."),
    element("ul", { id: "tables" }),
    element("button", { id: "set-aside", hidden: true, onclick: setTablesAside }, "Move tables of earlier samples to superseded"),
    element("ul", { id: "table-remarks", "aria-label": "Remarks" }));
}

function makeReportCard() {
  return card("Report",
    element("p", {}, "One HTML file with traces, fits, statistics, images, quality and settings. It needs no network connection, so you can send it to others."),
    element("p", {},
      element("button", { id: "report-make", className: "main", onclick: writeReport }, "Write the report"), " ",
      element("a", { id: "report-open", target: "_blank", rel: "noopener", hidden: true }, "Open the report")));
}

/**
 * @param {string} name
 * @param {string} fovs
 */
function addSample(name, fovs) {
  const row = element("tr", {},
    element("td", {}, element("input", { type: "text", value: name, "aria-label": "Name of the sample" })),
    element("td", {}, element("input", { type: "text", value: fovs, "aria-label": "FOVs of the sample" })),
    element("td", {}, element("button", { "aria-label": "Remove the sample", onclick: () => row.remove() }, "×")));
  find("samples").append(row);
}

/**
 * Fields of view by sample; rows without a name are left out.
 * @param {Array<Array<string>>} rows Names and fields of view.
 * @throws {Error} Two samples have one name.
 */
export function toSamples(rows) {
  /** @type {Map<string, string>} */
  const samples = new Map();
  for (const [name, fovs] of rows.map((row) => row.map((text) => text.trim()))) {
    if (samples.has(name)) throw new Error(`There are two samples named ${name}. Give each sample its own name.`);
    if (name) samples.set(name, fovs);
  }
  return Object.fromEntries(samples);
}

const merge = showErrorsOf(async () => {
  const { dir } = openSource();
  const tables = await post("merge", { dir }, { samples: toSamples(readRows(find("samples"))) });
  forgetSamples(dir);
  if (dir === state.source?.dir) await showTables(tables);
  showStatus("Merged. Rows that are marked as bad were left out.");
});

const setTablesAside = showErrorsOf(async () => {
  const { dir } = openSource();
  const tables = await post("tables/set-aside", { dir });
  if (dir === state.source?.dir) await showTables(tables);
  showStatus("Moved the tables of earlier samples to the folder superseded.");
});

const fit = showErrorsOf(async () => {
  find("fit").disabled = true;
  showStatus("Fitting …");
  const { dir } = openSource();
  try {
    const options = { model: find("fit-model").value, column: find("fit-column").value };
    const fits = [];
    for (const table of [...mergedTables]) fits.push(await post("fits", { dir }, { ...options, table }));
    if (dir !== state.source?.dir) return;
    chooseFit(fits[0]);
    await showTables(await get("tables", { dir }));
    showStatus(`Fitted ${fits.reduce((n, { cells }) => n + cells, 0)} cells.`);
  } finally {
    find("fit").disabled = false;
  }
});

const writeReport = showErrorsOf(async () => {
  find("report-make").disabled = true;
  showStatus("Writing the report …");
  const { dir } = openSource();
  try {
    const { name, kilobytes } = await post("report", { dir });
    if (dir === state.source?.dir) await showTables(await get("tables", { dir }));
    showStatus(`Wrote ${name} (${formatNumber(kilobytes / 1000)} MB).`);
  } finally {
    find("report-make").disabled = false;
  }
});

/** @param {Api.Files} tables */
async function showTables({ merged, fitted, earlier, report: hasReport, remarks }) {
  const { dir } = openSource();
  find("table-remarks").replaceChildren(...remarks.map((text) => element("li", {}, text)));
  find("report-open").hidden = !hasReport;
  find("report-open").href = address("report", { dir });
  find("tables").replaceChildren(...[...merged, ...fitted].map((name) => element("li", {}, name)),
    ...earlier.map((name) => element("li", {}, name, element("span", { className: "soft" }, " (earlier samples)"))));
  find("no-tables").hidden = merged.length + fitted.length + earlier.length > 0;
  find("set-aside").hidden = !earlier.length;
  if (merged.length) {
    const { columns } = await get("merged", { dir, table: merged[0] });
    const proposed = columns.find((name) => name.startsWith("intensity_total"));
    fillSelect(find("fit-column"), columns.map(toOption), find("fit-column").value || proposed);
  }
  mergedTables = merged;
  find("fit").disabled = !merged.length;
  await showFits(dir, await Promise.all(fitted.map((table) => get("fits", { dir, table }))));
}
