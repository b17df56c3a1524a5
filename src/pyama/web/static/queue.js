// What users do, in the order in which they do it, also where the server is slow: an action waits
// for what is being opened and for the actions before it. No action is lost, and their order is kept.

import { showingErrors } from "./api.js";

let opening = Promise.resolve();
let last = Promise.resolve();

// Going elsewhere waits for earlier actions only: fast navigation skips intermediate items.
export function openNewest(open) {
  last = last.then(() => { opening = showingErrors(open)(); });
  return last.then(() => opening);
}

export function enqueue(action) {
  last = last.then(() => opening).then(showingErrors(action));
  return last;
}
