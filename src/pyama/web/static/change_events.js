// Changes by other people, in other tabs, and by runs: the server tells when there are any. Its
// events also show that it is there.

import { checkConnection, hear, isLost, whenBack } from "./connection.js";
import { address } from "./requests.js";

/** @typedef {"cells" | "files" | "runs"} Subject */

const PAUSE = 1000;
/** @type {EventSource | null} */
let source = null;
/** @type {{dir?: string, fov?: number, runs?: boolean}} */
let watched = {};
/** @type {Partial<Record<Subject, string>>} */
let known = {};
/** @type {Partial<Record<Subject, (version: string) => void>>} */
const acts = {};

/**
 * Calls a function when something has changed. Of cells, also once at the beginning.
 * @param {Subject} subject
 * @param {(version: string) => void} act
 */
export function onChange(subject, act) {
  acts[subject] = act;
}

/**
 * Watches other things from now on; what is not named stays as it is.
 * @param {{dir?: string, fov?: number, runs?: boolean}} named
 */
export function watch(named) {
  const before = address("events", watched);
  watched = { ...watched, ...named };
  if (source && before === address("events", watched)) return;
  if ("dir" in named) known = {};
  openStream();
}

// A hidden page does not watch, because browsers open few connections to one server.
function openStream() {
  source?.close();
  source = null;
  if (document.hidden) return;
  hear();
  const opened = new EventSource(address("events", { ...watched, runs: watched.runs || undefined }));
  opened.onmessage = ({ data }) => take(JSON.parse(data));
  opened.onerror = () => void reopen(opened);
  source = opened;
}

/** @param {Partial<Record<Subject, string>>} event */
function take(event) {
  hear();
  for (const [name, version] of Object.entries(event)) {
    const subject = /** @type {Subject} */ (name);
    const before = known[subject];
    known[subject] = version;
    if (before !== version && (before !== undefined || subject === "cells")) acts[subject]?.(version);
  }
}

/** @param {EventSource} failed */
async function reopen(failed) {
  failed.close();
  if (failed !== source) return;
  await checkConnection();
  if (isLost()) await whenBack();
  else await new Promise((resolve) => { setTimeout(resolve, PAUSE); });
  if (failed === source) openStream();
}

document.addEventListener("visibilitychange", openStream);
