// The form of a run: choose a recording, set parameters, try, plan, start.

import { clearEarlier, findEarlier, makeEarlierResults } from "./earlier_results.js";
import { card, element, fillSelect, find, showErrorsOf, showStatus } from "./elements.js";
import { checkFields, fillParams, makeForm, readParams, setParam, showChanges, updateForm } from "./form.js";
import { countText, formatNumber } from "./numbers.js";
import { browse, listAgain, parentOf } from "./recording_list.js";
import { get, makeLatestCheck } from "./requests.js";
import { makeRunListCard, openRunList } from "./run_list.js";
import { clearPlan, comparePlan, makePlanCard, planRun, startRun } from "./run_plan.js";
import { makeProgressCard, watchRun } from "./run_progress.js";
import { forgetForm, keepForm, keptForm } from "./saved_form.js";
import { makeSuggestion } from "./suggestion.js";
import { channelOptions, clearTrial, makeTrialCard, openTrial, tryParams, trySoon } from "./trial.js";

/** @typedef {import("./form_values.js").Schema} Schema */
/** @typedef {import("./earlier_results.js").Filled} Filled */

/** @type {Schema | null} */
let schema = null;
/** @type {Api.Recording | null} The recording that is chosen. */
let chosen = null;
/** Features of single channels, which the form keeps as they are. @type {Record<string, Array<string>>} */
let ownFeatures = {};
/** Whether somebody has changed something since the recording was chosen. */
let isTouched = false;

/** @type {Promise<void> | null} */
let opening = null;

/**
 * Shows the form; it is made once.
 * @param {(dir: string) => void} openResults Called to show an output folder.
 * @param {() => void} listResults Called when there may be new output folders.
 */
export function openForm(openResults, listResults) {
  void opening?.then(listAgain);
  opening ??= makeCards(openResults, listResults).catch((error) => {
    if (!schema) opening = null; // tried again at the next click
    throw error;
  });
  return opening;
}

/**
 * @param {(dir: string) => void} openResults
 * @param {() => void} listResults
 * @returns {Promise<void>}
 */
async function makeCards(openResults, listResults) {
  schema = /** @type {Schema} */ (await get("schema"));
  const runEnded = (/** @type {Api.RunRequest} */ { file }) => {
    listResults();
    // One line as before: nothing may move under the mouse when a run ends.
    if (chosen?.file === file && find("run-earlier-box").hidden) find("run-earlier-text").textContent = "There are results of it now; reload the page to list them.";
  };
  find("run").replaceChildren(element("div", { id: "run-columns", className: "columns run-columns unset" },
    element("div", {}, makeRecordingCard(), makeSettingsCard(schema)),
    element("div", {}, makeTrialCard(readSettings), makePlanCard(), makeProgressCard({ openResults, applyAdvice, startRun, runEnded }), makeRunListCard())));
  window.addEventListener("focus", listAgain);
  find("run-file").addEventListener("focus", listAgain);
  find("run").addEventListener("input", () => formChanged(true));
  find("run").addEventListener("change", () => formChanged(true)); // of boxes and lists
  await openKept();
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
    element("p", { id: "run-facts" }),
    makeEarlierResults(fillForm));
}

/** Opens the recording that was open before a reload, or lists the root. */
async function openKept() {
  const kept = keptForm();
  if (!kept) return browse(".");
  await browse(parentOf(kept.file));
  fillSelect(find("run-file"), optionsOf(find("run-file")), kept.file);
  if (find("run-file").value === kept.file) return chooseFile(kept.file, kept);
  forgetForm();
  await browse(".");
  return showStatus(""); // another folder may be served now
}

/**
 * @param {HTMLSelectElement} select
 * @returns {Array<[string, string]>}
 */
const optionsOf = (select) => [...select.options].map(({ value, text }) => [value, text]);

const startReading = makeLatestCheck();
/** Opens a recording, with the settings that are given or else those of its latest results. */
const chooseFile = showErrorsOf(async (/** @type {string} */ file, /** @type {Filled | null} */ filled = null) => {
  const isLatest = startReading();
  chosen = null;
  clearTrial();
  clearPlan();
  clearEarlier();
  find("run-settings").disabled = true; // until the file has been read
  find("run-facts").textContent = file ? "reading …" : "";
  let recording = null;
  try {
    recording = file ? await get("recording", { file }) : null;
  } finally {
    if (isLatest()) find("run-facts").textContent = "";
  }
  if (!isLatest() || !recording) return;
  chosen = recording;
  find("run-columns").classList.remove("unset");
  isTouched = false;
  ownFeatures = {};
  find("run-facts").textContent = describeRecording(recording);
  find("run-settings").disabled = false;
  showChannels(recording);
  const fresh = { channels: readChannels(), params: readParams(), output: outputName(file), fovs: "" };
  fillForm(filled ?? fresh);
  await Promise.all([
    openTrial(recording, Number(find("run-pc").value)),
    findEarlier(file, fresh, { output: filled?.output ?? null, isLatest, isTouched: () => isTouched }),
  ]);
});

/** @param {Api.Recording} recording */
export function describeRecording({ format, n_fovs: fovs, n_frames: frames, shapes, pixel_size_um: pixelSize, time, problems }) {
  const size = pixelSize ? `${formatNumber(pixelSize)} µm per px` : "size of a pixel unknown";
  const facts = `${format}: ${countText(fovs, "FOV")}, ${countText(frames, "frame")}, ${shapes[0].join(" × ")} px, ${size}, ${time}`;
  return problems.length ? `${facts}. ${problems.join(" ")}` : facts;
}

/**
 * The output folder that is proposed for a recording.
 * @param {string} file
 */
export function outputName(file) {
  if (file === ".") return "results";
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
    element("p", { className: "soft only-disabled" }, "Choose a recording first."),
    element("pre", { id: "run-question", hidden: true, role: "status" }),
    element("div", { className: "form" },
      element("label", { htmlFor: "run-pc" }, "Phase contrast"), element("select", { id: "run-pc" }),
      element("span", {}, "Fluorescence"), element("span", { id: "run-fl", role: "group", "aria-label": "Fluorescence" }),
      element("label", { htmlFor: "run-output" }, "Output folder"), element("input", { id: "run-output", type: "text" }),
      element("label", { htmlFor: "run-fovs" }, "FOVs"), element("input", { id: "run-fovs", type: "text", placeholder: "all, or such as 0-3, 7" }),
      element("label", { htmlFor: "run-frames" }, "Frames"), element("input", { id: "run-frames", type: "text", placeholder: "all, or such as 0-59, 0-:3", title: "0-:3 is every third frame" })),
    element("p", {},
      element("button", { id: "run-start", className: "main", onclick: start }, "Start"), " ",
      element("button", { id: "run-try", onclick: tryParams }, "Try on this frame"), " ",
      makeSuggestion(readSettings, applySettings), " ",
      element("button", { id: "run-plan", onclick: showPlan }, "Plan")),
    element("p", { id: "run-changes", hidden: true, role: "group", "aria-label": "Settings that differ from the defaults" }),
    ...makeForm(form));
}

/** Channels as in a configuration. */
function readChannels() {
  const pc = find("run-pc").value;
  const fl = [...find("run-fl").querySelectorAll("input")].filter(({ checked, value }) => checked && value !== pc);
  const entry = (/** @type {string} */ value) => ({ channel: Number(value), ...(ownFeatures[value] && { features: ownFeatures[value] }) });
  return { pc: pc === "" ? null : { channel: Number(pc) }, fl: fl.map(({ value }) => entry(value)) };
}

/** Channels and parameters as in a configuration, and the recording. */
function readSettings() {
  if (chosen === null) throw new Error("Choose a recording first.");
  return { file: chosen.file, channels: readChannels(), params: readParams() };
}

/** @returns {Api.RunRequest} */
function readRequest() {
  const { params, ...settings } = readSettings();
  const frames = find("run-frames").value.trim();
  return { ...settings, params: frames ? { ...params, frames } : params,
    output: find("run-output").value, fovs: find("run-fovs").value.trim() || null };
}

/**
 * Fills in settings; what is left out stays, except frames, which are part of the parameters.
 * @param {Filled} filled
 */
function fillForm({ channels, params = {}, output, fovs }) {
  const { frames = "", ...others } = params;
  if (channels) fillChannels(/** @type {any} */ (channels));
  fillParams(others);
  find("run-frames").value = String(frames);
  if (output !== undefined) find("run-output").value = output;
  if (fovs !== undefined) find("run-fovs").value = fovs;
  formChanged(false);
}

/** @param {{pc: {channel: number} | null, fl: Array<{channel: number, features?: Array<string>}>}} channels */
function fillChannels({ pc, fl }) {
  ownFeatures = Object.fromEntries(fl.flatMap(({ channel, features }) => (features ? [[channel, features]] : [])));
  find("run-pc").value = pc ? String(pc.channel) : "";
  for (const box of find("run-fl").querySelectorAll("input")) box.checked = fl.some(({ channel }) => String(channel) === box.value);
}

/** Features of single channels, which differ from those of the form. */
function changedFeatures() {
  return Object.entries(ownFeatures).map(([channel, features]) => ({
    name: `features of channel ${channel}`, value: features, standard: "those below", isUsed: true,
    reset: () => { delete ownFeatures[channel]; },
  }));
}

/** @param {boolean} isTyped Whether a person has changed something. */
function formChanged(isTyped) {
  if (!chosen) return;
  isTouched ||= isTyped;
  const { pc, fl } = readChannels();
  const interval = find("run-frames").value.trim() ? null : chosen.interval_min;
  updateForm({ pc: pc !== null, fl: fl.length > 0, scale: { pixelSize: chosen.pixel_size_um, interval } });
  showChanges(() => formChanged(true), changedFeatures());
  const request = readRequest();
  comparePlan(request);
  trySoon(isTyped);
  keepForm(() => ({ file: request.file, channels: request.channels ?? {}, params: request.params ?? {}, output: request.output, fovs: find("run-fovs").value }));
}

const start = showErrorsOf(async () => {
  checkFields();
  find("run-start").disabled = true; // a second click must not start a second run
  try {
    await startRun(readRequest());
    showStatus(""); // the cards show the rest
  } finally {
    find("run-start").disabled = false;
  }
});

const showPlan = showErrorsOf(async () => {
  checkFields();
  await planRun(readRequest());
  comparePlan(readRequest());
});

/** @param {Record<string, unknown>} settings Parameters by their names. */
function applySettings(settings) {
  for (const [name, value] of Object.entries(settings)) setParam(name, value);
  formChanged(true);
}

/** Applies what a run advises to the form, and plans again. */
const applyAdvice = showErrorsOf(async (/** @type {Api.RunRequest} */ request, /** @type {Record<string, unknown>} */ settings) => {
  if (chosen?.file !== request.file || find("run-output").value !== request.output) await openRequest(request);
  applySettings(settings);
  await showPlan();
});

/**
 * Puts a run into the form.
 * @param {Api.RunRequest} request
 */
async function openRequest({ file, channels, params, output, fovs }) {
  await browse(parentOf(file));
  find("run-file").value = file;
  await chooseFile(file, { channels, params, output, fovs: Array.isArray(fovs) ? fovs.join(", ") : fovs ?? "" });
}
