// The form of a run: choose a recording, set parameters, plan, start.

import { card, element, fillSelect, find, showErrorsOf, showStatus } from "./elements.js";
import { makeForm, readParams } from "./form.js";
import { formatNumber } from "./numbers.js";
import { get, makeLatestCheck, post } from "./requests.js";
import { makeRunListCard, openRunList } from "./run_list.js";
import { makeProgressCard, showCommand, startRun, watchRun } from "./run_progress.js";
import { channelOptions, clearTrial, makeTrialCard, openTrial, tryParams } from "./trial.js";

/** @typedef {import("./form_values.js").Schema} Schema */

/** @type {Schema | null} */
let schema = null;
/** @type {string | null} The recording that is chosen, relative to the root. */
let chosenFile = null;

/**
 * Shows the form; it is made once.
 * @param {(dir: string) => void} openResults Called to show an output folder.
 */
export async function openForm(openResults) {
  if (schema) return;
  schema = /** @type {Schema} */ (await get("schema"));
  find("run").replaceChildren(element("div", { className: "columns" },
    element("div", {}, makeRecordingCard(), makeSettingsCard(schema)),
    element("div", {}, makeTrialCard(readSettings), makeRunListCard(), makeProgressCard(openResults))));
  await browse(".");
  const runs = await get("runs");
  if (runs.length) watchRun(runs[runs.length - 1]);
  await openRunList();
}

function makeRecordingCard() {
  return card("1 · Recording",
    element("p", { id: "run-place" }),
    element("label", {}, "Folder ", element("select", { id: "run-folder", onchange: () => browse(find("run-folder").value) })),
    element("p", {}),
    element("label", {}, "File ", element("select", { id: "run-file", onchange: () => chooseFile(find("run-file").value) })),
    element("p", { id: "run-facts" }));
}

const startListing = makeLatestCheck();

/** Lists a folder below the root. */
const browse = showErrorsOf(async (/** @type {string} */ dir) => {
  const isLatest = startListing();
  const { folders, files, dir: place } = await get("files", { dir });
  if (!isLatest()) return;
  find("run-place").textContent = place === "." ? "In the root folder" : `In ${place}`;
  /** @returns {[string, string]} */
  const toOption = (/** @type {string} */ name) => [place === "." ? name : `${place}/${name}`, name];
  const parent = /** @type {Array<[string, string]>} */ (place === "." ? [] : [[parentOf(place), "↑ up"]]);
  fillSelect(find("run-folder"), [[place, "(this folder)"], ...parent, ...folders.map(toOption)], place);
  fillSelect(find("run-file"), [["", files.length ? "choose …" : "no recordings here"], ...files.map(toOption)], "");
});

/**
 * The folder of a folder, below the root.
 * @param {string} place
 */
export function parentOf(place) {
  return place.includes("/") ? place.replace(/\/[^/]*$/, "") : ".";
}

const startReading = makeLatestCheck();
const chooseFile = showErrorsOf(async (/** @type {string} */ file) => {
  const isLatest = startReading();
  chosenFile = null;
  clearTrial();
  find("run-settings").disabled = true; // until the file has been read
  find("run-facts").textContent = file ? "reading …" : "";
  let recording = null;
  try {
    recording = file ? await get("recording", { file }) : null;
  } finally {
    if (isLatest()) find("run-facts").textContent = "";
  }
  if (!isLatest() || !recording) return;
  chosenFile = file;
  find("run-facts").textContent = describeRecording(recording);
  find("run-settings").disabled = false;
  showChannels(recording);
  find("run-output").value = outputName(file);
  await openTrial(recording, Number(find("run-pc").value));
});

/** @param {Api.Recording} recording */
export function describeRecording({ format, n_fovs: fovs, n_frames: frames, shapes, pixel_size_um: pixelSize, time, problems }) {
  const size = pixelSize ? `${formatNumber(pixelSize)} µm per px` : "size of a pixel unknown";
  const facts = `${format}: ${fovs} FOVs, ${frames} frames, ${shapes[0].join(" × ")} px, ${size}, ${time}`;
  return problems.length ? `${facts}. ${problems.join(" ")}` : facts;
}

/**
 * The output folder that is proposed for a recording.
 * @param {string} file
 */
export function outputName(file) {
  return `${file.replace(/(\.ome)?\.[^./]*$/, "")}_results`;
}

/** @param {Api.Recording} recording */
function showChannels({ channels, proposed, question }) {
  const pc = proposed?.pc ?? "";
  fillSelect(find("run-pc"), [["", proposed ? "none" : "choose …"], ...channelOptions(channels)], pc);
  find("run-fl").replaceChildren(...channelOptions(channels).map(([value, text]) => element("label", { className: "check" },
    element("input", { type: "checkbox", value, checked: proposed?.fl.includes(value) ?? false }), text)));
  find("run-question").textContent = question;
  find("run-question").hidden = !question;
}

/** @param {Schema} form */
function makeSettingsCard(form) {
  return element("fieldset", { id: "run-settings", className: "card", disabled: true },
    element("legend", {}, "2 · Settings"),
    element("pre", { id: "run-question", hidden: true, role: "status" }),
    element("div", { className: "form" },
      element("label", { htmlFor: "run-pc" }, "Phase contrast"), element("select", { id: "run-pc" }),
      element("span", {}, "Fluorescence"), element("span", { id: "run-fl", role: "group", "aria-label": "Fluorescence" }),
      element("label", { htmlFor: "run-output" }, "Output folder"), element("input", { id: "run-output", type: "text" }),
      element("label", { htmlFor: "run-fovs" }, "FOVs"), element("input", { id: "run-fovs", type: "text", placeholder: "all, or such as 0-3, 7" }),
      element("label", { htmlFor: "run-frames" }, "Frames"), element("input", { id: "run-frames", type: "text", placeholder: "all, or such as 0-59, or 0-178:3 for every third" })),
    element("p", {},
      element("button", { id: "run-start", className: "main", onclick: start }, "Start"), " ",
      element("button", { id: "run-try", onclick: tryParams }, "Try on this frame"), " ",
      element("button", { id: "run-plan", onclick: showPlan }, "Plan")),
    element("pre", { id: "run-plan-lines", hidden: true, tabIndex: 0, role: "region", "aria-label": "What a run would do" }),
    ...makeForm(form));
}

/** Channels and parameters as in a configuration, and the recording. */
function readSettings() {
  if (chosenFile === null) throw new Error("Choose a recording first.");
  const pc = find("run-pc").value;
  const fl = [...find("run-fl").querySelectorAll("input")].filter(({ checked, value }) => checked && value !== pc);
  const channels = { pc: pc === "" ? null : { channel: Number(pc) }, fl: fl.map(({ value }) => ({ channel: Number(value) })) };
  return { file: chosenFile, channels, params: readParams() };
}

/** @returns {Api.RunRequest} */
function readRequest() {
  const { params, ...settings } = readSettings();
  const frames = find("run-frames").value.trim();
  return { ...settings, params: frames ? { ...params, frames } : params,
    output: find("run-output").value, fovs: find("run-fovs").value.trim() || null };
}

const start = showErrorsOf(async () => {
  find("run-start").disabled = true; // a second click must not start a second run
  try {
    await startRun(readRequest());
    showStatus(""); // the card Progress shows the rest
  } finally {
    find("run-start").disabled = false;
  }
});

const showPlan = showErrorsOf(async () => {
  const { command, notes, lines } = await post("runs/plan", {}, readRequest());
  find("run-plan-lines").hidden = false;
  find("run-plan-lines").textContent = [...notes.map((note) => `Note: ${note}`), ...lines].join("\n");
  showCommand(command);
});
