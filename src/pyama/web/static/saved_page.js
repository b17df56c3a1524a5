// What is open, kept over a reload: in the address what one shares with others, in this browser the
// rest, besides the choices of pictures.

import { readSaved, save } from "./browser_storage.js";
import { find } from "./elements.js";
import { get } from "./requests.js";
import { state } from "./state.js";

const PLACE = "pyama-choices";
/** Lists and check boxes whose value is kept. */
const KEPT = /** @type {const} */ (["speed", "all"]);
/** How often the state is looked at, in ms; it is also saved when the page is left. */
const PAUSE = 500;

/** What the address says of a page that is opened. */
export function readAddress() {
  const query = new URLSearchParams(location.search);
  /** @returns {number | null} */
  const number = (/** @type {string} */ name) => (/^\d+$/.test(query.get(name) ?? "") ? Number(query.get(name)) : null);
  return { dir: query.get("dir"), fov: number("fov"), frame: number("frame"), cell: number("cell"), experiment: query.get("experiment"), view: query.get("view") };
}

/** The view of the page that is shown, if it is not the first one. */
function otherView() {
  return [...document.querySelectorAll("main")].find(({ hidden, id }) => !hidden && id !== "view")?.id;
}

function addressOfState() {
  const query = new URLSearchParams();
  const { source, frame, cell, experiment } = state;
  const named = { dir: source?.dir, fov: source?.fov, frame: source && frame ? frame : null, cell, experiment, view: otherView() };
  for (const [name, value] of Object.entries(named)) if (value !== null && value !== undefined) query.set(name, `${value}`);
  return query.size ? `/?${query}` : "/";
}

/** @param {typeof KEPT[number]} id */
function valueOf(id) {
  const control = find(id);
  return control instanceof HTMLInputElement ? control.checked : control.value;
}

function choicesOfState() {
  const { column, fitModel, source } = state;
  const place = source && { dir: source.dir, fov: source.fov };
  return { ...Object.fromEntries(KEPT.map((id) => [id, valueOf(id)])), column, fitModel, place };
}

let isStarted = false;
/** @type {{dir: string, fov: number} | null} What was open at the end of the visit before. */
let lastPlace = null;

/**
 * The folder to open where the address names none, and its field of view: those of the visit
 * before, or else the folder of the newest run.
 * @param {Array<string>} names Folders that there are.
 * @returns {Promise<[string, number | null]>}
 */
export async function proposePlace(names) {
  if (lastPlace && names.includes(lastPlace.dir)) return [lastPlace.dir, lastPlace.fov];
  const runs = names.length > 1 ? await get("known-runs") : [];
  return [runs.find(({ output }) => names.includes(output))?.output ?? names[0], null];
}

/** What this tab has saved last. */
let savedText = "";

/** Saves what is open and chosen, once what the address asked for has been opened. */
export function saveView() {
  if (!isStarted) return;
  const address = addressOfState();
  if (address !== `${location.pathname}${location.search}`) history.replaceState(null, "", address);
  const choices = choicesOfState();
  const text = JSON.stringify(choices);
  if (!state.source || text === savedText) return;
  savedText = text;
  save(PLACE, choices);
}

/** Takes the choices of earlier visits, and saves them from now on. The page has to be set up. */
export function setUpRemembering() {
  takeChoices(Object(readSaved(PLACE)));
}

/** Saves what is open and chosen from now on. */
export function startRemembering() {
  isStarted = true;
  setInterval(saveView, PAUSE);
  addEventListener("pagehide", saveView);
}

/** @param {Partial<ReturnType<typeof choicesOfState>>} choices */
function takeChoices({ column, fitModel, place, ...values }) {
  lastPlace = place ?? null;
  if (typeof column === "string") state.column = column;
  if (typeof fitModel === "string") state.fitModel = fitModel;
  for (const id of KEPT) {
    const value = /** @type {Record<string, unknown>} */ (values)[id];
    const control = find(id);
    if (value === undefined || value === valueOf(id)) continue;
    if (control instanceof HTMLInputElement) control.checked = value === true;
    else if ([...control.options].some((option) => option.value === value)) control.value = `${value}`;
    control.dispatchEvent(new Event("change"));
  }
}
