// Experiments of several recordings: their files, what they consist of, and their tables.

import { card, element, find, showErrorsOf, showStatus } from "./elements.js";
import { get, post } from "./requests.js";

/** A card that is hidden until files of experiments are found. */
export function makeExperimentsCard() {
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
      element("p", {}, element("button", { className: "main", onclick: () => merge(file, content) }, "Merge the experiment")),
      element("ul", { className: "soft" }));
  } catch (error) {
    content.replaceChildren();
    throw error;
  }
});

const merge = showErrorsOf(async (/** @type {string} */ file, /** @type {HTMLElement} */ content) => {
  showStatus("Merging the experiment …");
  const { folder, tables, notes } = await post("experiment/merge", { file });
  const lines = [...tables.map((table) => `${folder}/${table}`), ...notes];
  content.lastElementChild?.replaceChildren(...lines.map((text) => element("li", {}, text)));
  showStatus(`Wrote ${tables.length} tables into ${folder}.`);
});
