// The analysis of an output folder: samples, fits, files and the report.

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
import { NO_RESULTS, openSource, state } from "./state.js";

/** @type {string | null} The output folder whose samples are shown. */
let shownDir = null;

/** Shows the tables of the output folder that is open; samples are kept until another is opened. */
export async function openAnalysis() {
  if (!state.source) {
    find("analysis").replaceChildren(element("p", {}, NO_RESULTS));
    return;
  }
  const { dir } = state.source;
  const [models, tables] = await Promise.all([get("models"), get("tables", { dir })]);
  if (dir !== state.source.dir) return;
  if (shownDir !== dir) {
    find("analysis").replaceChildren(element("div", { className: "columns" },
      element("div", {}, makeSamplesCard(showTables), makeFitCard(models, takeFits), makeFilesCard(setTablesAside), makeReportCard(), makeExperimentsCard()),
      element("div", {}, makeFitResultsCard(), makeDistributionCard(), makeScatterCard())));
    shownDir = dir;
    await Promise.all([startSamples(dir), resumeFit(), showExperiments()]);
  } else await refreshSamples(dir);
  await showTables(tables);
}

function makeReportCard() {
  return card("Report",
    element("p", {}, "One HTML file with traces, fits, statistics, images, quality and settings. It needs no network connection, so you can send it to others."),
    element("p", {},
      element("button", { id: "report-make", className: "main", onclick: writeReport }, "Write the report"), " ",
      element("a", { id: "report-open", target: "_blank", rel: "noopener", hidden: true }, "Open the report")));
}

const setTablesAside = showErrorsOf(async () => {
  const { dir } = openSource();
  const tables = await post("tables/set-aside", { dir });
  if (dir === state.source?.dir) await showTables(tables);
  showStatus("Moved the tables of earlier samples to the folder superseded.");
});

/** Shows the tables of a fit that has ended. */
const takeFits = showErrorsOf(async (/** @type {Api.FitState} */ fit) => {
  const { dir } = openSource();
  const [tables, [first]] = await Promise.all([
    get("tables", { dir }), Promise.all(fit.fitted.slice(0, 1).map((table) => get("fits", { dir, table })))]);
  if (dir !== state.source?.dir) return;
  if (first) chooseFit(first);
  await showTables(tables);
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
  find("set-aside").hidden = !earlier.length;
  const [first, fits] = await Promise.all([
    merged.length ? get("merged", { dir, table: merged[0] }) : null,
    Promise.all(fitted.map((table) => get("fits", { dir, table }))), showFiles(dir)]);
  if (dir !== state.source?.dir) return;
  showFitResults(fits);
  await Promise.all([showFitTables(merged, first?.columns ?? [], fits), showFits(dir, fits)]);
}
