// The analysis of an output folder: samples, fits, files and the report.

import { makeComparisonCard, showComparable } from "./comparison.js";
import { chooseFit, makeDistributionCard, showFits } from "./distributions.js";
import { card, element, find, showErrorsOf, showStatus } from "./elements.js";
import { makeExperimentsCard, showExperiments } from "./experiments.js";
import { makeFitCard, resumeFit, showFitTables } from "./fit_form.js";
import { makeFitResultsCard, showFitResults } from "./fit_results.js";
import { formatNumber } from "./numbers.js";
import { address, get, post } from "./requests.js";
import { makeFilesCard, showFiles } from "./result_files.js";
import { makeSamplesCard, refreshSamples, startSamples } from "./samples.js";
import { makeScatterCard } from "./scatter.js";
import { NO_RESULTS, openTables, state, tablesDir } from "./state.js";

/** @type {string | null} The output folder or the experiment whose samples are shown. */
let shownDir = null;

/** Shows the tables of what is open; samples are kept until something else is opened. */
export const openAnalysis = () => openTablesOf(state.experiment);

async function showAnalysis() {
  const dir = tablesDir();
  if (dir === null) {
    shownDir = null;
    find("analysis").replaceChildren(element("p", {}, NO_RESULTS), makeExperimentsCard(openTablesOf));
    return showExperiments();
  }
  const [models, tables] = await Promise.all([get("models"), get("tables", { dir })]);
  if (dir !== tablesDir()) return;
  if (shownDir !== dir) {
    find("analysis").replaceChildren(element("div", { className: "columns" },
      element("div", {}, state.experiment === null ? makeSamplesCard(showTables) : makeExperimentCard(state.experiment), makeFitCard(models, takeFits), makeFilesCard(setTablesAside), makeReportCard(), makeExperimentsCard(openTablesOf)),
      element("div", {}, makeFitResultsCard(), makeDistributionCard(), makeScatterCard(), makeComparisonCard())));
    shownDir = dir;
    await Promise.all([state.experiment === null && startSamples(dir), resumeFit(), showExperiments()]);
  } else if (state.experiment === null) await refreshSamples(dir);
  await showTables(tables);
}

/**
 * Shows the tables of an experiment, or those of the output folder that is open.
 * @param {string | null} file
 */
async function openTablesOf(file) {
  const before = state.experiment === file ? null : state.experiment;
  state.experiment = file;
  try {
    await showAnalysis();
  } catch (error) {
    if (file !== null && state.experiment === file && shownDir !== file) { // it has no tables
      state.experiment = before;
      await showAnalysis();
    }
    throw error;
  }
}

/** @param {string} file */
function makeExperimentCard(file) {
  return card("1 · Experiment",
    element("p", {}, "The merged tables of ", element("b", {}, file), " are shown. Its samples are in this file: edit it there, then merge it again below. View shows one recording at a time: the results chosen above."),
    element("p", { className: "buttons" },
      element("button", { id: "experiment-close", onclick: showErrorsOf(() => openTablesOf(null)) }, "Close the experiment")));
}

function makeReportCard() {
  const others = state.experiment === null ? "statistics, images, quality and settings" : "statistics and the list of recordings";
  return card("Report",
    element("p", {}, `One HTML file with traces, fits, ${others}. It needs no network connection, so you can send it to others.`),
    element("p", {},
      element("button", { id: "report-make", className: "main", onclick: writeReport }, "Write the report"), " ",
      element("a", { id: "report-open", target: "_blank", rel: "noopener", hidden: true }, "Open the report")));
}

const setTablesAside = showErrorsOf(async () => {
  const { dir } = openTables();
  const tables = await post("tables/set-aside", { dir });
  if (dir === tablesDir()) await showTables(tables);
  showStatus("Moved the tables of earlier samples to the folder superseded.");
});

/** Shows the tables of a fit that has ended. */
const takeFits = showErrorsOf(async (/** @type {Api.FitState} */ fit) => {
  const { dir } = openTables();
  const [tables, [first]] = await Promise.all([
    get("tables", { dir }), Promise.all(fit.fitted.slice(0, 1).map((table) => get("fits", { dir, table })))]);
  if (dir !== tablesDir()) return;
  if (first) chooseFit(first);
  await showTables(tables);
});

const writeReport = showErrorsOf(async () => {
  find("report-make").disabled = true;
  showStatus("Writing the report …");
  const { dir } = openTables();
  try {
    const { name, kilobytes } = await post("report", { dir });
    if (dir === tablesDir()) await showTables(await get("tables", { dir }));
    showStatus(`Wrote ${name} (${formatNumber(kilobytes / 1000)} MB).`);
  } finally {
    find("report-make").disabled = false;
  }
});

/** @param {Api.Files} tables */
async function showTables({ samples, merged, fitted, earlier, report: hasReport, remarks }) {
  const { dir } = openTables();
  find("table-remarks").replaceChildren(...remarks.map((text) => element("li", {}, text)));
  find("report-open").hidden = !hasReport;
  find("report-open").href = address("report", { dir });
  find("set-aside").hidden = !earlier.length;
  const [first, fits] = await Promise.all([
    merged.length ? get("merged", { dir, table: merged[0] }) : null,
    Promise.all(fitted.map((table) => get("fits", { dir, table }))), showFiles(dir)]);
  if (dir !== tablesDir()) return;
  const columns = first?.columns ?? [];
  showFitResults(fits);
  showComparable(fits, columns, samples);
  await Promise.all([showFitTables(merged, columns, fits), showFits(dir, fits)]);
}
