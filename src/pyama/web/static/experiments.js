// Experiments of several recordings: their files, what they consist of, and their tables.

import { card, element, find, showErrorsOf, showStatus } from "./elements.js";
import { get, post } from "./requests.js";

/** @type {(file: string) => Promise<void>} */
let openTablesOf = async () => undefined;

/**
 * A card that is hidden until files of experiments are found.
 * @param {(file: string) => Promise<void>} open Shows the merged tables of an experiment.
 */
export function makeExperimentsCard(open) {
  openTablesOf = open;
  const made = card("Experiments of several recordings",
    element("p", {}, "Replicates, days and plates that a file such as experiment.yaml puts together."),
    element("div", { id: "experiments" }));
  made.hidden = true;
  return made;
}

/** Lists the files of experiments below the folder that is served. */
export async function showExperiments() {
  const { files } = await get("experiments");
  const list = find("experiments");
  if (!list) return; // another view was opened meanwhile
  list.replaceChildren(...files.map(makeExperiment));
  const section = list.closest("section");
  if (section) section.hidden = !files.length;
}

/** @param {string} file */
function makeExperiment(file) {
  const content = element("div");
  const made = element("details", { className: "experiment" }, element("summary", {}, file), content);
  made.addEventListener("toggle", () => made.open && showExperiment(file, content));
  return made;
}

const showExperiment = showErrorsOf(async (/** @type {string} */ file, /** @type {HTMLElement} */ content) => {
  content.replaceChildren("Checking …");
  try {
    const { name, columns, samples, level, warnings } = await get("experiment", { file });
    const head = ["sample", "FOVs", "recordings", "replicates"].map((text) => element("th", {}, text));
    const rows = samples.map((sample) => element("tr", { title: sample.parts.join("\n") },
      ...[sample.name, sample.fovs, sample.recordings, sample.replicates ?? "–"].map((value) => element("td", {}, String(value)))));
    content.replaceChildren(
      element("table", { className: "rows", "aria-label": `Samples of ${name}` },
        element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...rows)),
      element("p", { className: "soft" }, `Columns: experiment, recording${columns.map((column) => `, ${column}`).join("")}. ${level}`),
      element("ul", { className: "notes" }, ...warnings.map((text) => element("li", {}, text))),
      element("p", { className: "buttons" },
        element("button", { className: "main", onclick: () => merge(file) }, "Merge the experiment"),
        element("button", { onclick: showErrorsOf(() => openTablesOf(file)) }, "Open its tables")));
  } catch (error) {
    content.replaceChildren();
    throw error;
  }
});

const merge = showErrorsOf(async (/** @type {string} */ file) => {
  showStatus("Merging the experiment …");
  const { folder, tables } = await post("experiment/merge", { file });
  await openTablesOf(file);
  showStatus(`Wrote ${tables.length} tables into ${folder}.`);
});
