// Values kept in this browser, as JSON. Where the browser forbids storage or has no room, nothing is
// kept, and the page works without it.

/** @typedef {"localStorage" | "sessionStorage"} Place Kept for all tabs, or for this one until it is closed. */

/**
 * A value that was kept; null if there is none, or if another program has written it.
 * @param {string} key
 * @param {Place} place
 * @returns {any}
 */
export function readSaved(key, place = "localStorage") {
  try {
    return JSON.parse(globalThis[place].getItem(key) ?? "null");
  } catch {
    return null;
  }
}

/**
 * Keeps a value.
 * @param {string} key
 * @param {unknown} value
 * @param {Place} place
 */
export function save(key, value, place = "localStorage") {
  try {
    globalThis[place].setItem(key, JSON.stringify(value));
  } catch {
    // The value is there as long as the page is open.
  }
}

/**
 * Removes a value that was kept.
 * @param {string} key
 * @param {Place} place
 */
export function forget(key, place = "localStorage") {
  try {
    globalThis[place].removeItem(key);
  } catch {
    // Nothing is kept.
  }
}
