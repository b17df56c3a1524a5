// A proposal of method and width of cells for the recording of the form, in a dialog.

import { element, find } from "./elements.js";
import { address, fetchChecked, get, makeLatestCheck } from "./requests.js";

/** @typedef {(settings: Record<string, unknown>) => void} Apply */

/** @type {Apply} */
let applySettings;
/** @type {Record<string, unknown>} What is proposed; empty for nothing. */
let proposed = {};
const startLooking = makeLatestCheck();

/**
 * Makes the button of the form, and its dialog.
 * @param {() => {file: string, channels: {pc: {channel: number} | null}}} read Returns what the form says.
 * @param {Apply} apply Fills in the parameters that are proposed.
 */
export function makeSuggestion(read, apply) {
  applySettings = apply;
  document.body.append(makeDialog());
  return element("button", { id: "run-suggest", onclick: () => openSuggestion(read) }, "Propose size");
}

function makeDialog() {
  return element("dialog", { id: "suggestion", "aria-labelledby": "suggestion-title", onclose: () => { startLooking(); clear(); } },
    element("h2", { id: "suggestion-title" }, "Method and size of the cells"),
    element("div", { id: "suggestion-text", role: "status" }),
    element("div", { id: "suggestion-picture", tabIndex: 0, role: "region", "aria-label": "Outlines for several sizes" }),
    element("form", { method: "dialog" },
      element("button", { id: "suggestion-apply", className: "main", hidden: true, onclick: () => applySettings(proposed) }, "Use it"), " ",
      element("button", {}, "Close")));
}

/** Forgets the last proposal; its image is only held by the page. */
function clear() {
  proposed = {};
  find("suggestion-apply").hidden = true;
  for (const image of find("suggestion-picture").querySelectorAll("img")) URL.revokeObjectURL(image.src);
  find("suggestion-picture").replaceChildren();
}

/** @param {Array<string>} sentences */
function showText(sentences) {
  find("suggestion-text").replaceChildren(...sentences.map((text) => element("p", {}, text)));
}

/**
 * Opens the dialog and fills it; what is answered after it was closed is dropped.
 * @param {() => {file: string, channels: {pc: {channel: number} | null}}} read
 */
async function openSuggestion(read) {
  const isLatest = startLooking();
  clear();
  find("suggestion").showModal();
  try {
    const { file, channels: { pc } } = read();
    if (pc === null) throw new Error("Cells are found in phase contrast: choose that channel first.");
    showText(["looking at some images …"]);
    const query = { file, channel: pc.channel };
    const { sentences, settings, has_picture: hasPicture } = await get("recording/suggestion", query);
    if (!isLatest()) return;
    showText(sentences);
    proposed = settings;
    find("suggestion-apply").hidden = !Object.keys(settings).length;
    if (hasPicture) await showPicture(query, isLatest);
  } catch (error) {
    if (isLatest()) showText([error instanceof Error ? error.message : String(error)]);
  }
}

/**
 * @param {{file: string, channel: number}} query
 * @param {() => boolean} isLatest
 */
async function showPicture(query, isLatest) {
  const blob = await fetchChecked(address("recording/suggestion/picture", query), (answer) => answer.blob());
  if (!isLatest()) return;
  const alt = "The same part of an image with the outlines that are found with several sizes; a circle is as wide as a cell is assumed to be.";
  find("suggestion-picture").replaceChildren(element("img", { src: URL.createObjectURL(blob), alt }));
}
