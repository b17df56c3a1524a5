// A run under way: started, watched, cancelled, resumed; its summary and its log.

import { card, element, find, showErrorsOf, showStatus } from "./elements.js";
import { post } from "./requests.js";

const FOVS_SHOWN = 50;
/** @type {Api.RunState | Api.KnownState | null} */
let shownRun = null;
/** @type {EventSource | null} */
let events = null;

/**
 * @typedef {object} RunActions
 * @property {(dir: string) => void} openResults Shows an output folder.
 * @property {(request: Api.RunRequest, settings: Record<string, unknown>) => void} applyAdvice
 *   Applies what a run advises.
 * @property {(request: Api.RunRequest) => Promise<unknown>} startRun
 * @property {(request: Api.RunRequest) => void} runEnded Called when a run that was watched has ended.
 */

/** @type {RunActions} */
let actions;

/** @param {RunActions} given */
export function makeProgressCard(given) {
  actions = given;
  return card("4 · Progress",
    element("p", { id: "run-status", role: "status" }, "No run yet."),
    element("progress", { id: "run-bar", max: 1, value: 0, hidden: true, "aria-label": "Progress of the run" }),
    element("p", {},
      element("button", { id: "run-cancel", disabled: true, onclick: cancelRun }, "Cancel"), " ",
      element("button", { id: "run-resume", disabled: true, onclick: resumeRun }, "Resume"), " ",
      element("button", { id: "run-results", disabled: true, onclick: () => shownRun && actions.openResults(shownRun.request.output) }, "Show the results")),
    element("div", { id: "run-summary", className: "lines", hidden: true, role: "region", "aria-label": "What the run has done" }),
    element("pre", { id: "run-command", hidden: true, tabIndex: 0, role: "region", "aria-label": "The same run as a command" }),
    element("p", {}, element("button", { id: "run-copy", hidden: true, onclick: copyCommand }, "Copy the command")),
    element("table", {}, element("tbody", { id: "run-fov-list" })),
    element("details", {}, element("summary", {}, "Log"), element("pre", { id: "run-log", tabIndex: 0, role: "region", "aria-label": "Log of the run" })));
}

const cancelRun = showErrorsOf(async () => {
  if (shownRun) showRun(await post(`runs/${shownRun.id}/cancel`));
});

const resumeRun = showErrorsOf(async () => {
  if (shownRun) await actions.startRun(shownRun.request);
});

/** Whether a run is shown that has not ended, as far as the page knows; of one output folder, or of any. */
export function isWatched(output = shownRun?.request.output) {
  return shownRun?.status === "running" && shownRun.request.output === output;
}

/**
 * Shows a run until it has ended.
 * @param {Api.RunState | Api.KnownState} run
 * @param {string} path Where its state comes from, below `/api/`.
 */
export function watchRun(run, path = `runs/${run.id}`) {
  events?.close();
  showRun(run);
  if (run.status !== "running") return;
  const source = new EventSource(`/api/${path}/events`);
  source.onmessage = (event) => showRun(JSON.parse(event.data));
  source.onerror = () => { if (shownRun?.status !== "running") source.close(); };
  events = source;
}

/** @param {Api.RunState | Api.KnownState} run */
function showRun(run) {
  const isRunning = run.status === "running";
  if (!isRunning && isWatched(run.request.output)) actions.runEnded(run.request);
  shownRun = run;
  if (!isRunning) events?.close();
  find("run-status").ariaLive = isRunning ? "off" : "polite"; // its progress is not read out every second
  find("run-status").textContent = statusText(run);
  find("run-status").classList.toggle("bad", run.status === "failed");
  showSummary(run);
  find("run-summary").hidden = !run.summary.length;
  find("run-bar").hidden = false;
  find("run-bar").value = run.fraction;
  const isElsewhere = "owner" in run;
  find("run-cancel").disabled = !isRunning || isElsewhere;
  find("run-cancel").title = isRunning && isElsewhere ? `Cancel it where it was started: ${run.owner}` : "";
  find("run-resume").disabled = isRunning || run.status === "finished" || (isElsewhere && run.cannot_resume !== "");
  find("run-resume").title = isElsewhere ? run.cannot_resume : "";
  find("run-results").disabled = isRunning;
  find("run-command").hidden = find("run-copy").hidden = false;
  find("run-command").textContent = run.command;
  find("run-fov-list").replaceChildren(...Object.entries(run.fovs).slice(0, FOVS_SHOWN).map(([fov, step]) =>
    element("tr", {}, element("td", {}, `FOV ${fov}`), element("td", {}, step))));
  find("run-log").textContent = run.log.join("\n");
}

/**
 * Shows the summary; behind lines that advise settings, a button applies these.
 * @param {Api.RunState} run
 */
function showSummary({ summary, advice, request }) {
  find("run-summary").replaceChildren(...summary.flatMap((line) => [
    element("div", {}, line),
    ...(advice.find((each) => each.line === line)?.settings ?? []).map((settings) =>
      element("button", { title: "Changes the form and shows what would run", onclick: () => actions.applyAdvice(request, settings) }, `Set ${settingsText(settings)}`)),
  ]));
}

/** @param {Record<string, unknown>} settings */
const settingsText = (settings) => Object.entries(settings).map(([name, value]) => `${name} = ${value}`).join(", ");

/** @param {Pick<Api.RunState, "status" | "progress" | "message">} run */
export function statusText({ status, progress, message }) {
  const text = status === "running" ? `Running: ${progress}` : `${status[0].toUpperCase()}${status.slice(1)}`;
  return `${text}. ${message}`;
}

const copyCommand = showErrorsOf(async () => {
  if (navigator.clipboard) await navigator.clipboard.writeText(find("run-command").textContent ?? "");
  else { // only pages of this machine and encrypted ones may use it
    getSelection()?.selectAllChildren(find("run-command"));
    document.execCommand("copy");
  }
  showStatus("Copied");
});
