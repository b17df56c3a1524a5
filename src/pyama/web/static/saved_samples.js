// Samples that were typed and not merged yet, kept in this browser for each output folder: those
// of a tab are shown again in this tab, those of the last one in a new tab.

import { forget, readSaved, save } from "./browser_storage.js";

const PLACE = "pyama-samples";
/** @type {Array<import("./browser_storage.js").Place>} */
const STORAGES = ["sessionStorage", "localStorage"];

/**
 * Names and fields of view as they were left; null if nothing was changed since the last merge.
 * @param {string} dir
 * @returns {Array<[string, string]> | null}
 */
export function keptSamples(dir) {
  const [ofTab, ofAll] = STORAGES.map((storage) => readSaved(`${PLACE} ${dir}`, storage));
  return ofTab ?? ofAll;
}

/**
 * Keeps what is typed into the rows of a table from now on.
 * @param {string} dir
 * @param {HTMLElement} rows
 */
export function keepSamples(dir, rows) {
  const keep = () => {
    for (const storage of STORAGES) save(`${PLACE} ${dir}`, readRows(rows), storage);
  };
  rows.addEventListener("input", keep);
  new MutationObserver(keep).observe(rows, { childList: true });
}

/** @param {string} dir */
export function forgetSamples(dir) {
  for (const storage of STORAGES) forget(`${PLACE} ${dir}`, storage);
}

/**
 * What is typed in the rows.
 * @param {HTMLElement} rows
 */
export function readRows(rows) {
  return [...rows.children].map((row) => [...row.querySelectorAll("input")].map(({ value }) => value));
}
