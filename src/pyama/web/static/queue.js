// What users do, in the order in which they do it, also where the server is slow: an action waits
// for what is being opened and for the actions before it. None is lost, none overtakes.

import { told } from "./api.js";

let opening = Promise.resolve();
let last = Promise.resolve();

// Going elsewhere waits for earlier actions only: who goes on quickly skips what is between.
export function goThere(open) {
  last = last.then(() => { opening = told(open)(); });
  return last.then(() => opening);
}

export function inTurn(action) {
  last = last.then(() => opening).then(told(action));
  return last;
}
