// What the form of a run says, kept in this browser, so that a reload does not lose it.

import { forget, readSaved, save } from "./browser_storage.js";
import { makeLatestCheck } from "./requests.js";

const KEY = "pyama-run-form";
const SECONDS = 0.3;

/**
 * @typedef {object} KeptForm
 * @property {string} file
 * @property {Record<string, any>} channels
 * @property {Record<string, any>} params
 * @property {string} output
 * @property {string} fovs
 */

const startKeeping = makeLatestCheck();

/**
 * Keeps the form, soon and once for several changes.
 * @param {() => KeptForm} read
 */
export function keepForm(read) {
  const isLatest = startKeeping();
  setTimeout(() => { if (isLatest()) save(KEY, read()); }, 1000 * SECONDS);
}

/** Forgets what was kept. */
export function forgetForm() {
  forget(KEY);
}

/**
 * What was kept; null if there is nothing, or if another version has kept it.
 * @returns {KeptForm | null}
 */
export function keptForm() {
  const kept = readSaved(KEY);
  return typeof kept?.file === "string" && kept.channels && kept.params ? kept : null;
}
