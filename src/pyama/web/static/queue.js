// What users do, in the order in which they do it, also where the server is slow: an action waits
// for what is being opened and for the actions before it. No action is lost, and their order is kept.

import { showErrorsOf } from "./elements.js";

/** @type {Promise<unknown>} */
let newestOpening = Promise.resolve();
/** @type {Promise<unknown>} */
let lastAction = Promise.resolve();

/**
 * Opens something else. It waits for earlier actions only: fast navigation skips items in between.
 * @param {() => unknown} open
 */
export function openNewest(open) {
  lastAction = lastAction.then(() => { newestOpening = showErrorsOf(open)(); });
  return lastAction.then(() => newestOpening);
}

/**
 * Carries out an action after what was asked for before.
 * @param {() => unknown} action
 */
export function enqueue(action) {
  lastAction = lastAction.then(() => newestOpening).then(showErrorsOf(action));
  return lastAction;
}
