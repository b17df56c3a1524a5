// Earlier results of the recording that is chosen, from which the form can be filled.

import { element, fillSelect, find, showErrorsOf } from "./elements.js";
import { get } from "./requests.js";

/** @typedef {Partial<Api.FilledForm>} Filled */

const OFFER = "Choose one to take over its settings.";
/** What no option has: none is chosen. */
const NONE = "-";

/** @type {(filled: Filled) => void} */
let fill;
/** What to fill in to start fresh. @type {Filled} */
let fresh = {};

/** @param {(filled: Filled) => void} fillForm Fills the form. */
export function makeEarlierResults(fillForm) {
  fill = fillForm;
  return element("div", {},
    element("label", { id: "run-earlier-box", hidden: true }, "Earlier results ",
      element("select", { id: "run-earlier", onchange: () => choose(find("run-earlier").value) })),
    element("p", { id: "run-earlier-text", role: "status" }));
}

/** Forgets the results of another recording. */
export function clearEarlier() {
  find("run-earlier-box").hidden = true;
  find("run-earlier").replaceChildren(); // what is still being loaded is not filled in
  find("run-earlier-text").textContent = "";
}

/**
 * Lists earlier results of a recording, and fills the form from the newest.
 * @param {string} file
 * @param {Filled} without What the form says without them.
 * @param {object} form
 * @param {string | null} form.output The folder, if the form has its settings already.
 * @param {() => boolean} form.isLatest Whether the recording is still the one that is chosen.
 * @param {() => boolean} form.isTouched Whether somebody has typed something meanwhile.
 */
export async function findEarlier(file, without, { output, isLatest, isTouched }) {
  find("run-earlier-text").textContent = "looking for earlier results …";
  /** @type {Array<Api.Earlier>} */
  let found = [];
  try {
    found = await get("recording/earlier", { file });
  } finally {
    if (isLatest()) find("run-earlier-text").textContent = "";
  }
  if (!isLatest()) return;
  fresh = { ...without, output: unusedName(without.output ?? "", found.map(({ dir }) => dir)) };
  const options = found.map(({ dir, time, text }) => /** @type {[string, string]} */ ([dir, `${dir} · ${new Date(time).toLocaleString()} · ${text}`]));
  fillSelect(find("run-earlier"), [...options, ["", "start with new settings, in a new folder"]]);
  find("run-earlier-box").hidden = !found.length;
  if (found.length && output === null && !isTouched()) {
    find("run-earlier").value = found[0].dir;
    await choose(found[0].dir, isTouched);
    return;
  }
  find("run-earlier-text").textContent = found.length ? OFFER : "There are no earlier results of this recording below the root.";
  find("run-earlier").value = found.some(({ dir }) => dir === output) ? output ?? "" : NONE;
}

/** Fills the form, unless somebody has typed something meanwhile. */
const choose = showErrorsOf(async (/** @type {string} */ dir, /** @type {() => boolean} */ isTouched = () => false) => {
  const filled = dir ? await get("recording/settings", { dir }) : { ...fresh, notes: [] };
  if (find("run-earlier").value !== dir) return;
  if (isTouched()) {
    find("run-earlier").value = NONE;
    find("run-earlier-text").textContent = OFFER;
    return;
  }
  fill(filled);
  const said = dir ? `The settings of ${dir} were loaded. Finished results in it are kept.` : "The results go into a new folder.";
  find("run-earlier-text").textContent = [said, ...filled.notes ?? []].join(" ");
});

/**
 * A name that is not among those that are used.
 * @param {string} name
 * @param {Array<string>} used
 */
export function unusedName(name, used) {
  if (!used.includes(name)) return name;
  let n = 2;
  while (used.includes(`${name}_${n}`)) n += 1;
  return `${name}_${n}`;
}
