// Marks, corrections and undo on their way to the server. Each has an id, so that it is saved once
// however often it is sent, and is kept until the server has answered, also when the page is closed.

import { readSaved, save } from "./browser_storage.js";
import { isLost, onConnection } from "./connection.js";
import { RequestError, get, post } from "./requests.js";

/**
 * @typedef {object} Click
 * @property {string} id
 * @property {string} dir
 * @property {number} fov
 * @property {"act" | "undo" | "redo"} kind
 * @property {string} by
 * @property {Api.ActionRequest["action"] | null} action
 * @property {string} text What it does, in words.
 * @property {string} traces Digest of the traces that were shown.
 * @property {number} seen Length of the log that was shown.
 */

/** @typedef {{saved: Array<Click>, problems: Array<string>}} Delivery What became of clicks that were kept. */

/** @type {Array<Click>} Not yet answered, the oldest first. */
let waiting = [];
/** @type {Promise<unknown>} */
let last = Promise.resolve();
/** @type {string | null} Where clicks are kept in this browser; those for another root stay there. */
let place = null;
/** @type {(delivery: Delivery) => void} */
let tell = () => {};

/** Clicks that the server has not answered. */
export const waitingClicks = () => waiting;

/**
 * Clicks in one field of view that the server has not answered.
 * @param {{dir: string, fov: number} | null} source
 */
export const unsentOf = (source) => waiting.filter(({ dir, fov }) => dir === source?.dir && fov === source.fov);

/**
 * What a click does, in words.
 * @param {Click} click
 */
export const clickText = ({ fov, text }) => `FOV ${fov}: ${text}`;

/**
 * A correction in words, as in the history.
 * @param {Api.ActionRequest["action"]} action
 */
export function actionText(action) {
  const from = "frame" in action && action.frame ? ` from frame ${action.frame}` : "";
  if ("good" in action) return `cell ${action.cell} ${action.good ? "good" : "bad"}${from}`;
  if ("other" in action) return action.kind === "join" ? `join ${action.other} to ${action.cell}` : `swap ${action.cell} and ${action.other}${from}`;
  if (action.kind === "keep") return `keep cell ${action.cell}, which had no trace`;
  return action.kind === "cut" ? `cut ${action.cell} at frame ${action.frame}` : `delete ${action.cell}`;
}

/** An id that no other click has. Works also where the page is not encrypted. */
export function makeId() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * Takes over clicks that were kept when the page was closed, and sends them.
 * @param {(delivery: Delivery) => void} report Called after clicks that were kept have been sent.
 * @param {() => void} show Called when there are such clicks, before they are sent.
 */
export async function setUpClicks(report, show) {
  tell = report;
  onConnection((loss) => { if (!loss) void sendWaiting(); });
  place = `pyama-clicks ${(await get("server")).root}`;
  const ids = new Set(waiting.map(({ id }) => id));
  waiting = [...readKept().filter(({ id }) => !ids.has(id)), ...waiting];
  keep(waiting);
  if (!waiting.length) return;
  show();
  await sendWaiting();
}

/** @returns {Array<Click>} */
function readKept() {
  const kept = readSaved(place ?? "");
  return Array.isArray(kept) ? kept : [];
}

/** @param {Array<Click>} added */
function keep(added, /** @type {Click | null} */ removed = null) {
  if (!place) return;
  // Another tab may keep clicks in the same place.
  const ids = new Set(added.map(({ id }) => id));
  const kept = [...readKept().filter(({ id }) => !ids.has(id) && id !== removed?.id), ...added];
  save(place, kept);
}

/**
 * Sends a click after those before it.
 * @param {Click} click
 * @returns {Promise<Api.Tracks | null>} The cells afterwards; null if the click is kept.
 * @throws {RequestError} The server refuses it.
 */
export function sendClick(click) {
  waiting.push(click);
  keep([click]);
  const answer = last.then(() => deliver(click));
  last = answer.catch(() => null);
  return answer;
}

/** Sends what is kept, in order, and tells what became of it. */
function sendWaiting() {
  last = last.then(async () => {
    /** @type {Delivery} */
    const delivery = { saved: [], problems: [] };
    for (const click of [...waiting]) {
      try {
        const tracks = await deliver(click);
        if (!tracks) break;
        delivery.saved.push(click);
        delivery.problems.push(...conflicts(click, tracks.log));
      } catch (error) {
        delivery.problems.push(`Not saved: ${clickText(click)}. ${error instanceof Error ? error.message : error}`);
      }
    }
    if (delivery.saved.length || delivery.problems.length) tell(delivery);
  });
  return last;
}

/** @param {Click} click */
async function deliver(click) {
  while (!isLost() && waiting[0] === click) {
    try {
      const tracks = await request(click);
      drop(click);
      return tracks;
    } catch (error) {
      if (error instanceof RequestError) {
        drop(click);
        throw error;
      }
      await new Promise((resolve) => { setTimeout(resolve, 200); }); // the answer was lost: ask again
    }
  }
  return null;
}

/** @param {Click} click */
function request({ dir, fov, kind, by, action, id, traces }) {
  const body = { by, id, traces };
  if (kind === "act" && action) return post(`fovs/${fov}/inspection`, { dir }, { ...body, action });
  return kind === "undo" ? post(`fovs/${fov}/inspection/undo`, { dir }, body) : post(`fovs/${fov}/inspection/redo`, { dir }, body);
}

/** @param {Click} click */
function drop(click) {
  waiting = waiting.filter((other) => other !== click);
  keep([], click);
}

/**
 * What others have done to the same cells since a click; both are in the log, the click is the later one.
 * @param {Click} click
 * @param {Array<Api.LogEntry>} log
 */
export function conflicts({ id, by, action, text, seen }, log) {
  if (!action) return [];
  const cells = "other" in action ? [action.cell, action.other] : [action.cell];
  const own = log.find((entry) => entry.id === id);
  const others = log.slice(seen).filter((entry) => entry.by !== by && entry.active && entry.cells.some((cell) => cells.includes(cell)));
  const result = own?.problem ? `has no effect: ${own.problem}` : "came later and counts";
  return others.map((entry) => `Somebody else has changed the same cell meanwhile (${entry.text}). Your change (${text}) ${result}.`);
}
