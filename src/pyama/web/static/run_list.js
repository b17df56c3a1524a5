// The last run of every output folder below the root, whoever started it: watched or resumed.

import { onChange, watch } from "./change_events.js";
import { onConnection } from "./connection.js";
import { card, element, find, showErrorsOf } from "./elements.js";
import { get } from "./requests.js";
import { isWatched, watchRun } from "./run_progress.js";

export function makeRunListCard() {
  return card("Runs in this folder",
    element("p", { className: "soft" }, "The last run of every output folder, also of runs in a terminal. Show an interrupted one to resume it."),
    element("div", { className: "run-list", tabIndex: 0, role: "region", "aria-label": "List of runs" },
      element("table", {},
        element("thead", {}, element("tr", {}, ...["results", "recording", "state", "started", ""].map((text) => element("th", {}, text)))),
        element("tbody", { id: "known-runs" }))),
    element("p", { id: "no-runs", hidden: true }, "No run yet: choose a recording, and start one."));
}

/** Shows the list from now on, and watches a run that is under way. */
export async function openRunList() {
  const show = showErrorsOf(showRuns);
  onChange("runs", show);
  onConnection((loss) => void (loss ?? show())); // the run that is shown may have ended with the server
  watch({ runs: true });
  const running = (await showRuns()).find(({ status }) => status === "running");
  if (running && !isWatched()) await watchEntry(running);
}

async function showRuns() {
  const entries = await get("known-runs");
  find("no-runs").hidden = entries.length > 0;
  find("known-runs").replaceChildren(...entries.map(makeRow));
  // A run that another server has begun, or that was killed, says nothing more by itself.
  const shown = entries.find(({ output, status }) => isWatched(output) && status !== "running");
  if (shown) await watchEntry(shown);
  return entries;
}

/** @param {Api.RunEntry} entry */
function makeRow(entry) {
  const { output, recording, status, started, owner, message } = entry;
  const since = started === null ? "not known" : new Date(started).toLocaleString([], { dateStyle: "short", timeStyle: "short" });
  return element("tr", { title: message },
    element("td", {}, output === "." ? "(this folder)" : output), element("td", {}, recording),
    element("td", { className: status === "failed" || status === "interrupted" ? "bad" : "" }, owner && status === "running" ? `running: ${owner}` : status),
    element("td", {}, since),
    element("td", {}, element("button", { "aria-label": `Show the run in ${output}`, onclick: showErrorsOf(() => watchEntry(entry)) }, status === "running" ? "Watch" : "Show")));
}

/** @param {Api.RunEntry} entry */
async function watchEntry({ id, started_run: started }) {
  if (started !== null) watchRun(await get(`runs/${started}`));
  else watchRun(await get(`known-runs/${id}`), `known-runs/${id}`);
}
