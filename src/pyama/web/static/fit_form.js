// The form of a fit, from what the server says about the models; the fit under way.

import { toOption } from "./cell_panel.js";
import { card, element, fillSelect, find, showErrorsOf, showStatus } from "./elements.js";
import { toFitOptions } from "./fit_options.js";
import { countText } from "./numbers.js";
import { get, makeLatestCheck, post } from "./requests.js";
import { saveFit, savedFit } from "./saved_fit.js";
import { openTables, tablesDir } from "./state.js";

/** @typedef {import("./fit_options.js").ParameterRow} ParameterRow */
/** @typedef {import("./saved_fit.js").TypedParameter} TypedParameter */

/** Inputs whose value is kept, besides those of parameters. */
const INPUTS = /** @type {const} */ (["fit-model", "fit-column", "fit-starts", "fit-loss", "fit-seed"]);

/** @type {Array<Api.ModelDescription>} */
let models = [];
/** @type {Array<{read: () => ParameterRow, fill: (typed: TypedParameter) => void}>} One per parameter. */
let parameterRows = [];
/** @type {string | null} Output folder for which the form is filled in. */
let shownDir = null;
/** @type {Array<Api.FittedTable>} The fits that there are. */
let knownFits = [];
/** @type {(state: Api.FitState) => unknown} */
let takeFits = () => undefined;
/** @type {Api.FitState | null} */
let shownFit = null;
/** @type {EventSource | null} */
let events = null;

/**
 * @param {Array<Api.ModelDescription>} known
 * @param {(state: Api.FitState) => unknown} take Called when a fit has ended.
 */
export function makeFitCard(known, take) {
  [models, takeFits, parameterRows, shownDir, shownFit] = [known, take, [], null, null];
  events?.close(); // the fit of another folder
  const list = element("select", { id: "fit-model", onchange: showModel });
  fillSelect(list, models.map(({ name }) => toOption(name)), "maturation");
  return card("2 · Fit",
    element("div", { className: "form" },
      element("label", { htmlFor: "fit-model" }, "Model"), list,
      element("span", { id: "fit-about", className: "help" }),
      element("label", { htmlFor: "fit-column" }, "Column"), element("select", { id: "fit-column", onchange: checkFit }),
      element("span", {}, "Samples"), element("span", { id: "fit-samples", className: "boxes", role: "group", "aria-label": "Samples that are fitted", onchange: checkFit })),
    element("details", { id: "fit-details" }, element("summary", {}, "Parameters: fitted, fixed, bounds"),
      element("table", { className: "rows" },
        element("thead", {}, element("tr", {}, ...["parameter", "value or start", "from", "to"].map((text) => element("th", {}, text)))),
        element("tbody", { id: "fit-parameters", oninput: checkFit })),
      element("div", { className: "form" },
        element("label", { htmlFor: "fit-starts" }, "Starts per cell"), element("input", { id: "fit-starts", type: "number", min: 1, value: 5, oninput: checkFit }),
        element("label", { htmlFor: "fit-loss" }, "Loss"), makeLossList(),
        element("label", { htmlFor: "fit-seed" }, "Random seed"), element("input", { id: "fit-seed", type: "number", min: 0, value: 0, oninput: checkFit }),
        element("span", {}, "Intervals"), element("label", { className: "check" }, element("input", { id: "fit-profile", type: "checkbox", onchange: checkFit }), "95 %, not symmetric (slower)"))),
    element("p", { id: "fit-problem", className: "problem", role: "alert", hidden: true }),
    element("p", { id: "fit-replaced", className: "soft" }),
    element("p", { className: "buttons" },
      element("button", { id: "fit", className: "main", disabled: true, onclick: startFit }, "Fit all samples"),
      element("button", { id: "fit-cancel", hidden: true, onclick: cancelFit }, "Cancel")),
    element("progress", { id: "fit-bar", max: 1, value: 0, hidden: true, "aria-label": "Progress of the fit" }),
    element("p", { id: "fit-status", role: "status" }),
    element("pre", { id: "fit-command", hidden: true, tabIndex: 0, role: "region", "aria-label": "The same fit as a command" }));
}

function makeLossList() {
  const list = element("select", { id: "fit-loss", onchange: checkFit });
  fillSelect(list, [["linear", "linear: sum of squares"], ["soft_l1", "soft_l1: outliers have less weight"]]);
  return list;
}

/** Shows the parameters of the chosen model. */
export function showModel() {
  const model = models.find(({ name }) => name === find("fit-model").value);
  find("fit-about").textContent = model?.description ?? "";
  const made = (model?.parameters ?? []).map(makeParameter);
  parameterRows = made;
  find("fit-parameters").replaceChildren(...made.flatMap(({ rows }) => rows));
  return checkFit();
}

/** @param {Api.ParameterDescription} parameter */
function makeParameter(parameter) {
  const { name, unit, fixed, linear, lower, upper, description } = parameter;
  const makeInput = (/** @type {string} */ label, /** @type {string} */ placeholder) =>
    element("input", { type: "text", inputMode: "decimal", placeholder, "aria-label": `${label} of ${name}` });
  const kind = element("select", { "aria-label": `How ${name} is treated` });
  fillSelect(kind, [["fitted", "fitted"], ["fixed", "fixed"]], fixed ? "fixed" : "fitted");
  const value = makeInput("Value or start", "");
  const [from, to] = [makeInput("Lower bound", `${lower ?? "−∞"}`), makeInput("Upper bound", `${upper ?? "∞"}`)];
  const update = () => {
    const isFixed = kind.value === "fixed";
    value.value = isFixed && fixed ? String(parameter.default) : "";
    value.placeholder = isFixed ? "value" : "auto";
    value.title = isFixed ? "" : linear ? "Computed: the model is linear in this parameter." : "Empty: estimated from each trace.";
    value.disabled = !isFixed && linear;
    from.disabled = to.disabled = isFixed;
  };
  kind.addEventListener("change", update);
  update();
  const about = element("td", { colSpan: 4 }, element("b", {}, name), [unit && ` ${unit}`, description].filter(Boolean).join(": "));
  return {
    rows: [element("tr", {}, about), element("tr", {}, ...[kind, value, from, to].map((input) => element("td", {}, input)))],
    fill: (/** @type {TypedParameter} */ typed) => {
      kind.value = typed.isFixed ? "fixed" : "fitted";
      update();
      if (!value.disabled) value.value = typed.value;
      [from.value, to.value] = [typed.lower, typed.upper];
    },
    read: () => ({ parameter, isFixed: kind.value === "fixed", value: value.value, lower: from.disabled ? "" : from.value, upper: to.disabled ? "" : to.value }),
  };
}

/**
 * Takes the tables that can be fitted and the fits that there are; what was chosen stays chosen.
 * @param {Array<string>} merged
 * @param {Array<string>} columns
 * @param {Array<Api.FittedTable>} fits
 */
export async function showFitTables(merged, columns, fits) {
  const { dir } = openTables();
  const kept = dir === shownDir || !merged.length ? null : savedFit(dir);
  knownFits = fits;
  if (merged.length) shownDir = dir;
  const proposed = columns.find((name) => name.startsWith("intensity_total"));
  fillSelect(find("fit-column"), columns.map(toOption), find("fit-column").value || proposed);
  const off = new Set(kept?.leftOut ?? leftOutTables());
  find("fit-samples").replaceChildren(...merged.map((table) => element("label", { className: "check" },
    element("input", { type: "checkbox", value: table, checked: !off.has(table) }), sampleOf(table))));
  if (kept) await fillFit(kept);
  else if (parameterRows.length) await checkFit();
  else await showModel();
}

/** Tables of samples that are not to be fitted. */
const leftOutTables = () => [...find("fit-samples").querySelectorAll("input")].filter(({ checked }) => !checked).map(({ value }) => value);

/** @param {import("./saved_fit.js").SavedFit} kept */
async function fillFit({ values, parameters }) {
  for (const id of INPUTS) {
    const input = find(id);
    const isThere = !(input instanceof HTMLSelectElement) || [...input.options].some(({ value }) => value === values[id]);
    if (id in values && isThere) input.value = values[id];
  }
  await showModel();
  for (const { read, fill } of parameterRows) {
    const typed = parameters[read().parameter.name];
    if (typed) fill(typed);
  }
  await checkFit();
}

/** What is filled in, as it is kept. */
function typedFit() {
  const parameters = parameterRows.map(({ read }) => read()).map(({ parameter, ...typed }) => [parameter.name, typed]);
  return { values: Object.fromEntries(INPUTS.map((id) => [id, find(id).value])), parameters: Object.fromEntries(parameters), leftOut: leftOutTables() };
}

/** @param {string} table */
const sampleOf = (table) => table.replace(/_merged\.csv$/, "");

function fitRequest() {
  const boxes = [...find("fit-samples").querySelectorAll("input")];
  return {
    tables: boxes.filter(({ checked }) => checked).map(({ value }) => value),
    model: find("fit-model").value, column: find("fit-column").value || null,
    ...toFitOptions(parameterRows.map(({ read }) => read())),
    starts: Number(find("fit-starts").value), loss: find("fit-loss").value, seed: Number(find("fit-seed").value),
    profile: find("fit-profile").checked,
  };
}

const startCheck = makeLatestCheck();

/** Shows the command of the fit that is filled in, or what the server refuses. */
const checkFit = showErrorsOf(async () => {
  const isLatest = startCheck();
  const { dir } = openTables();
  const request = fitRequest();
  if (dir === shownDir) saveFit(dir, typedFit());
  showReplaced(request);
  const [all, chosen] = [find("fit-samples").childElementCount, request.tables.length];
  find("fit").textContent = chosen === all ? "Fit all samples" : `Fit ${chosen} of ${countText(all, "sample")}`;
  const { command, problem } = chosen ? await post("fits/check", { dir }, request) : { command: "", problem: all ? "Choose at least one sample." : "" };
  if (!isLatest()) return;
  find("fit-problem").textContent = problem;
  find("fit-problem").hidden = !problem;
  find("fit-command").textContent = command;
  find("fit-command").hidden = !command;
  find("fit").disabled = !command || shownFit?.status === "running";
});

/** @param {ReturnType<typeof fitRequest>} request */
function showReplaced({ tables, model, column }) {
  const replaced = knownFits.filter((fit) => fit.model === model && fit.column === column && tables.some((table) => fit.table.startsWith(table.replace(/\.csv$/, "_fitted_"))));
  const nothing = find("fit-samples").childElementCount ? "" : "Merge the samples first: their tables are fitted.";
  find("fit-replaced").textContent = replaced.length ? `Replaces ${replaced.map(({ table }) => table).join(", ")}.` : nothing;
}

const startFit = showErrorsOf(async () => {
  find("fit").disabled = true;
  const { dir } = openTables();
  try {
    watchFit(await post("fits", { dir }, fitRequest()));
  } catch (error) {
    find("fit").disabled = false;
    throw error;
  }
});

const cancelFit = showErrorsOf(async () => {
  if (shownFit) showFit(await post(`fits/${shownFit.id}/cancel`));
});

/** Shows the fit of the output folder that is under way, if there is one. */
export const resumeFit = showErrorsOf(async () => {
  const { dir } = openTables();
  const last = await get("fits/last", { dir });
  if (last?.status === "running" && dir === tablesDir()) watchFit(last);
});

/** @param {Api.FitState} fit */
function watchFit(fit) {
  events?.close();
  showFit(fit);
  const source = new EventSource(`/api/fits/${fit.id}/events`);
  source.onmessage = (event) => showFit(JSON.parse(event.data));
  source.onerror = () => { if (shownFit?.status !== "running") source.close(); };
  events = source;
}

/** @param {Api.FitState} fit */
function showFit(fit) {
  const hasEnded = shownFit?.id === fit.id && shownFit.status === "running" && fit.status !== "running";
  shownFit = fit;
  const isRunning = fit.status === "running";
  find("fit-bar").hidden = find("fit-cancel").hidden = !isRunning;
  find("fit-bar").value = fit.fraction;
  find("fit-status").ariaLive = isRunning ? "off" : "polite"; // as of a run
  find("fit-status").textContent = fitText(fit);
  find("fit-status").classList.toggle("bad", fit.status === "failed");
  if (isRunning) find("fit").disabled = true;
  if (!hasEnded) return;
  events?.close();
  find("fit").disabled = false;
  showStatus(fitText(fit), fit.status === "failed");
  takeFits(fit);
}

/** @param {Pick<Api.FitState, "status" | "message" | "fraction" | "seconds_left" | "cells" | "fitted" | "warnings">} fit */
export function fitText({ status, message, fraction, seconds_left: left, cells, fitted, warnings }) {
  if (status === "running") return `Fitting: ${Math.floor(100 * fraction)} %${left === null ? "" : `, about ${Math.ceil(left)} s left`}`;
  const done = fitted.length ? `Fitted ${countText(cells, "cell")}.` : "";
  const end = status === "cancelled" ? "Cancelled." : status === "failed" ? `Failed. ${message}` : "";
  return [end, done, ...warnings].filter(Boolean).join(" ");
}
