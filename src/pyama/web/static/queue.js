// What users do, in the order in which they do it, also where the server is slow: an action waits
// for what is being opened and for the actions before it. No action is lost, and their order is kept.
// Without a server, an action does not wait for earlier ones: they may be reading from the server.

import { whenLost } from "./connection.js";
import { showErrorsOf } from "./elements.js";

/** @type {Promise<unknown>} */
let newestOpening = Promise.resolve();
/** @type {Promise<unknown>} All actions up to now. */
let earlierActions = Promise.resolve();

/**
 * Opens something else. It waits for earlier actions only: fast navigation skips items in between.
 * @param {() => unknown} open
 */
export function openNewest(open) {
  return addAction(() => { newestOpening = showErrorsOf(open)(); }).then(() => newestOpening);
}

/**
 * Carries out an action after what was asked for before.
 * @param {() => unknown} action
 */
export function enqueue(action) {
  return addAction(() => newestOpening.then(showErrorsOf(action)));
}

/** @param {() => unknown} start Starts an action; what it returns is waited for. */
function addAction(start) {
  const action = Promise.race([earlierActions, whenLost()]).then(start);
  earlierActions = Promise.all([earlierActions, action]);
  return action;
}
