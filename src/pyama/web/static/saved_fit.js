// What is filled in for a fit, kept in this browser for each output folder.

import { readSaved, save } from "./browser_storage.js";

const PLACE = "pyama-fit";

/**
 * What is typed for one parameter of the model.
 * @typedef {{isFixed: boolean, value: string, lower: string, upper: string}} TypedParameter
 */

/**
 * @typedef {object} SavedFit
 * @property {Record<string, string>} values Of the inputs, by their id.
 * @property {Record<string, TypedParameter>} parameters By their names.
 * @property {Array<string>} leftOut Tables that are not fitted.
 */

/**
 * What was filled in; null if nothing was, or if another version has kept it.
 * @param {string} dir
 * @returns {SavedFit | null}
 */
export function savedFit(dir) {
  const kept = readSaved(`${PLACE} ${dir}`);
  return kept?.values && kept.parameters && Array.isArray(kept.leftOut) ? kept : null;
}

/**
 * @param {string} dir
 * @param {SavedFit} fit
 */
export function saveFit(dir, fit) {
  save(`${PLACE} ${dir}`, fit);
}
