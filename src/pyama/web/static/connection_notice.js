// What the page says while the server cannot be reached, and when it is back.

import { clickText, setUpClicks, waitingClicks } from "./unsent_corrections.js";
import { onConnection, watchSilence } from "./connection.js";
import { element, find, showStatus } from "./elements.js";
import { countText } from "./numbers.js";

/** How long a good message stays, in ms. */
const SHOWN = 8000;
const MAX_LISTED = 8;
/** @type {{since: Date, isRefused: boolean} | null} */
let lost = null;
/** @type {ReturnType<typeof setTimeout>} */
let hiding;

/**
 * Shows the state of the connection from now on, and sends what was kept.
 * @param {() => void} refresh Called when clicks that were kept have been sent.
 * @param {() => void} showUnsent Called when the page has found such clicks.
 */
export function setUpConnection(refresh, showUnsent) {
  watchSilence();
  find("connection-close").addEventListener("click", hide);
  onConnection((loss) => {
    const wasLost = lost;
    lost = loss;
    if (loss) showConnection();
    else if (wasLost && !waitingClicks().length) show(["Connected again."], []);
  });
  return setUpClicks(({ saved, problems }) => {
    const n = saved.length;
    show([`Connected again. ${countText(n, "change")} ${n === 1 ? "is" : "are"} saved.`], problems);
    showStatus(problems.length ? "" : "Saved");
    refresh();
  }, showUnsent);
}

/** Shows that there is no connection, and what is kept meanwhile; nothing while there is one. */
export function showConnection() {
  if (!lost) return;
  const kept = waitingClicks();
  const since = lost.since.toLocaleTimeString();
  const lines = [lost.isRefused
    ? "The server was restarted and has a new address. Open the address that pyama view printed in this browser: this page then reconnects."
    : `No connection to the server since ${since}. The page reconnects by itself; it tries every second.`];
  if (kept.length) lines.push(`${countText(kept.length, "change")} ${kept.length === 1 ? "is" : "are"} kept, and sent when it is back:`);
  const rest = kept.length - MAX_LISTED;
  show(lines, [...kept.slice(-MAX_LISTED).map(clickText), ...(rest > 0 ? [`and ${rest} before`] : [])]);
}

/**
 * @param {Array<string>} lines
 * @param {Array<string>} list
 */
function show(lines, list) {
  find("connection-text").replaceChildren(...lines.map((line) => element("p", {}, line)));
  find("connection-list").replaceChildren(...list.map((line) => element("li", {}, line)));
  find("connection").classList.toggle("lost", lost !== null);
  find("connection").hidden = false;
  clearTimeout(hiding);
  if (!lost && !list.length) hiding = setTimeout(hide, SHOWN);
}

function hide() {
  find("connection").hidden = true;
}
