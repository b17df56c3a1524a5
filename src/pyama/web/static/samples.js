// Samples: proposed, typed, read from and written to a file, merged. The server checks them.

import { card, element, find, showErrorsOf, showStatus } from "./elements.js";
import { forgetSamples, keepSamples, keptSamples, readRows } from "./saved_samples.js";
import { RequestError, get, post } from "./requests.js";
import { openTables, tablesDir } from "./state.js";

/** Disabled until the samples are there. */
const CONTROLS = /** @type {const} */ (["sample-add", "merge", "samples-propose", "samples-file", "samples-save"]);
/** Samples of the last merge, as far as this page knows, as text. */
let merged = "";

/** @param {(tables: Api.Files) => unknown} takeTables Called with the tables after a merge. */
export function makeSamplesCard(takeTables) {
  const file = element("input", { id: "samples-file", type: "file", disabled: true, accept: ".yaml,.yml", "aria-label": "File samples.yaml", onchange: readFile });
  return card("1 · Samples",
    element("p", {}, "Which fields of view (FOVs) belong to which sample? Ranges such as 0-3 include their end."),
    element("p", { id: "samples-origin", className: "soft" }),
    element("table", { className: "rows" },
      element("thead", {}, element("tr", {}, element("th", {}, "sample"), element("th", {}, "FOVs"), element("td"))),
      element("tbody", { id: "samples" })),
    element("p", { id: "samples-problem", className: "problem", role: "alert", hidden: true }),
    element("p", { className: "buttons" },
      element("button", { id: "sample-add", disabled: true, onclick: () => addSample("", "").querySelector("input")?.focus() }, "Add a sample"),
      element("button", { id: "merge", className: "main", disabled: true, onclick: () => merge(takeTables) }, "Merge")),
    element("p", { className: "buttons" },
      element("button", { id: "samples-propose", disabled: true, onclick: () => proposeSamples(true) }, "Propose from position names"),
      element("label", { className: "file" }, "Read samples.yaml ", file),
      element("button", { id: "samples-save", disabled: true, onclick: saveFile }, "Save as samples.yaml")));
}

/**
 * Fills in the samples that were typed and not merged yet, or else those that the server proposes.
 * @param {string} dir
 */
export async function startSamples(dir) {
  await noteMerged(dir);
  const kept = keptSamples(dir);
  if (kept) showSamples(kept, "Edited here, not merged yet.");
  else await proposeSamples(false);
  if (dir !== tablesDir()) return;
  for (const id of CONTROLS) find(id).disabled = false; // samples that arrive replace what is typed
  keepSamples(dir, find("samples"));
}

/**
 * Takes note of the samples of the last merge.
 * @param {string} dir
 */
async function noteMerged(dir) {
  const proposed = await get("samples", { dir });
  merged = JSON.stringify(proposed.samples);
  return proposed;
}

/**
 * Shows the samples that others have merged since, unless other ones are typed here: these stay,
 * and the page says so.
 * @param {string} dir
 */
export async function refreshSamples(dir) {
  const before = merged;
  const { samples, origin } = await noteMerged(dir);
  if (merged === before || dir !== tablesDir()) return;
  const isTyped = JSON.stringify(Object.fromEntries(readRows(find("samples")))) !== before;
  if (isTyped) {
    const named = Object.entries(samples).map(([name, fovs]) => `${name} (FOV ${fovs})`).join(", ");
    find("samples-origin").textContent = `Other samples were merged meanwhile: ${named}. They are in use; those below replace them if you merge.`;
    return;
  }
  showSamples(Object.entries(samples), origin);
  setTimeout(() => forgetSamples(dir)); // nobody has typed them
}

/** Fills in the samples that the server proposes: those of the last merge, or by position names. */
const proposeSamples = showErrorsOf(async (/** @type {boolean} */ byName) => {
  const { dir } = openTables();
  const { samples, origin } = await get("samples", { dir, by_position_name: byName });
  if (dir === tablesDir()) showSamples(Object.entries(samples), origin);
});

/**
 * @param {Array<[string, string]>} samples Names and fields of view.
 * @param {string} origin Where they come from.
 */
function showSamples(samples, origin) {
  find("samples").replaceChildren();
  for (const [name, fovs] of samples) addSample(name, fovs);
  find("samples-origin").textContent = origin;
  showProblem("");
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
  return row;
}

/**
 * What was typed; rows in which nothing was typed are left out.
 * @param {Array<Array<string>>} rows Names and fields of view.
 */
export function toSamples(rows) {
  return rows.map((row) => row.map((text) => text.trim())).filter((row) => row.some(Boolean)).map(([name, fovs]) => ({ name, fovs }));
}

function typedSamples() {
  return { samples: toSamples(readRows(find("samples"))) };
}

/** @param {string} text What is wrong with the samples; empty if nothing is. */
function showProblem(text) {
  find("samples-problem").textContent = text;
  find("samples-problem").hidden = !text;
}

/**
 * Wraps a function so that what the server refuses is shown below the samples.
 * @template {unknown[]} A
 * @param {(...given: A) => Promise<void>} work
 */
function showProblemsOf(work) {
  return showErrorsOf(async (/** @type {A} */ ...given) => {
    showProblem("");
    try {
      await work(...given);
    } catch (error) {
      if (!(error instanceof RequestError) || error.status !== 422) throw error;
      showProblem(error.message);
      showStatus("The samples are not valid. The errors are listed below them.", true);
    }
  });
}

const merge = showProblemsOf(async (/** @type {(tables: Api.Files) => unknown} */ takeTables) => {
  const { dir } = openTables();
  const tables = await post("merge", { dir }, typedSamples());
  forgetSamples(dir);
  await noteMerged(dir);
  if (dir === tablesDir()) {
    await takeTables(tables);
    find("samples-origin").textContent = "These are the samples of the last merge.";
  }
  showStatus("Merged. Rows that are marked as bad were left out.");
});

const readFile = showProblemsOf(async () => {
  const { dir } = openTables();
  const [file] = find("samples-file").files ?? [];
  if (!file) return;
  find("samples-file").value = ""; // so that the same file can be chosen again
  const { samples, warnings } = await post("samples/read", { dir }, { text: await file.text() });
  if (dir === tablesDir()) showSamples(Object.entries(samples), [`Read from ${file.name}.`, ...warnings].join(" "));
});

const saveFile = showProblemsOf(async () => {
  const { dir } = openTables();
  const { text } = await post("samples/write", { dir }, typedSamples());
  const url = URL.createObjectURL(new Blob([text], { type: "application/yaml" }));
  element("a", { href: url, download: "samples.yaml" }).click();
  URL.revokeObjectURL(url);
});
