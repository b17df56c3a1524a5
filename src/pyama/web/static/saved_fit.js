// What is filled in for a fit, kept in this browser for each output folder.

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
  try {
    const kept = JSON.parse(localStorage.getItem(`${PLACE} ${dir}`) ?? "null");
    return kept?.values && kept.parameters && Array.isArray(kept.leftOut) ? kept : null;
  } catch {
    return null; // written by something else
  }
}

/**
 * @param {string} dir
 * @param {SavedFit} fit
 */
export function saveFit(dir, fit) {
  try {
    localStorage.setItem(`${PLACE} ${dir}`, JSON.stringify(fit));
  } catch {
    // The storage is full: it is kept as long as the page is open.
  }
}
