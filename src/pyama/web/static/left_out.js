// Cells without a trace: their list, why they have none, and their values.

import { element, find } from "./elements.js";
import { countText } from "./numbers.js";
import { get, makeLatestCheck } from "./requests.js";
import { openSource, state } from "./state.js";

/** Fills the list of cells without a trace, grouped by the reason. */
export function buildLeftOutList() {
  const cells = [...state.index.absent.values()];
  const groups = new Set(cells.map(({ group }) => group));
  find("left-out").replaceChildren(
    element("option", { value: "" }, "–"),
    ...[...groups].map((group) => element("optgroup", { label: group },
      ...cells.filter((cell) => cell.group === group).map(({ cell, n }) => element("option", { value: cell }, `${cell} (${countText(n, "frame")})`)))),
  );
  find("left-out-title").textContent = `Left out (${cells.length})`;
  find("left-out").disabled = !cells.length;
}

/** Shows why the selected cell has no trace. */
export function showLeftOut() {
  find("left-out").value = String(state.absent ?? "");
  find("left-out-why").hidden = state.absentTrace === null;
  find("left-out-text").textContent = state.absentTrace ? `${state.absentTrace.why}${missingNote()}` : "";
  const { dropped, corrections } = state.source?.details ?? { dropped: "", corrections: "" };
  find("dropped").textContent = [dropped, corrections].filter(Boolean).join(" ");
}

function missingNote() {
  const values = state.absentTrace?.trace.values ?? [];
  const isMissing = values.every((value) => value === null);
  return isMissing ? ` It has no values of ${state.column}: features of plugins are measured in traces only.` : "";
}

const startAbsent = makeLatestCheck();

/** Loads why the selected cell has no trace, and its values in the chosen column. */
export async function loadAbsent() {
  const isLatest = startAbsent();
  const { absent, source } = state;
  const names = state.tracks?.columns.map(({ name }) => name) ?? [];
  const column = names.find((name) => name === state.column) ?? names[0];
  if (absent === null || column === undefined) {
    state.absentTrace = null;
    return;
  }
  const { dir, fov } = openSource();
  const found = await get(`fovs/${fov}/left_out/${absent}/${encodeURIComponent(column)}`, { dir });
  if (isLatest() && source === state.source && absent === state.absent) state.absentTrace = found;
}
