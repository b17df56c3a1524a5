// The actions of an inspection: marks are saved at once, other changes are previewed first.

import { showCells } from "./cell_panel.js";
import { showTracks } from "./cells.js";
import { find, showStatus } from "./elements.js";
import { enqueue } from "./queue.js";
import { post } from "./requests.js";
import { openSource, state } from "./state.js";
import { loadTraces, showsParts } from "./traces.js";

export function setUpInspection() {
  const actions = /** @type {const} */ ([
    ["good", () => markCell(true)], ["bad", () => markCell(false)],
    ["join", joinCells], ["swap", swapCells], ["cut", cutCell], ["delete", deleteCell],
    ["undo", undo], ["redo", redo],
    ["proposal-apply", applyProposal], ["proposal-cancel", cancelProposal],
  ]);
  for (const [id, action] of actions) find(id).addEventListener("click", () => enqueue(action));
  find("bad-from").addEventListener("click", () => { const { frame } = state; enqueue(() => markCell(false, frame)); });
}

/**
 * Shows the cells after a request that changed them, unless something else was opened since.
 * @param {(path: `fovs/${number}/inspection`, query: {dir: string}) => Promise<Api.Tracks>} request
 */
async function saveChange(request) {
  const source = openSource();
  const tracks = await request(`fovs/${source.fov}/inspection`, { dir: source.dir });
  if (source !== state.source) return;
  showTracks(tracks);
  state.proposal = null;
  showStatus("Saved");
  await loadTraces();
}

/** @param {Api.ActionRequest["action"]} action */
const act = (action) => saveChange((path, query) => post(path, query, { by: state.user, action }));

/**
 * Shows the effect of an action; `applyProposal` carries it out.
 * @param {string} text
 * @param {Api.ActionRequest["action"]} action
 */
async function preview(text, action) {
  const source = openSource();
  const { dir, fov } = source;
  const column = (showsParts() ? null : state.column) ?? state.tracks?.columns[0].name ?? "";
  const effect = await post(`fovs/${fov}/inspection/preview`, { dir }, { action, column });
  if (source !== state.source) return;
  state.proposal = { text, action, effect };
  showCells();
  find("proposal-apply").focus(); // so that Enter applies and Escape cancels
}

/**
 * Marks the selected cell as good or bad from a frame on.
 * @param {boolean} good
 */
export async function markCell(good, frame = 0) {
  if (state.cell !== null) await act({ kind: "mark", cell: state.cell, good, frame });
}

export async function joinCells() {
  const { cell, other } = state;
  if (cell !== null && other !== null) await preview(`Join ${other} to ${cell}: both become cell ${cell}.`, { kind: "join", cell, other });
}

export async function swapCells() {
  const { cell, other, frame } = state;
  if (cell !== null && other !== null) await preview(`Swap the numbers of ${cell} and ${other} from frame ${frame} on.`, { kind: "swap", cell, other, frame });
}

export async function cutCell() {
  const { cell, frame } = state;
  if (cell !== null) await preview(`Cut ${cell}: from frame ${frame} on it becomes a new cell.`, { kind: "cut", cell, frame });
}

export async function deleteCell() {
  const { cell } = state;
  if (cell !== null) await preview(`Delete cell ${cell} from the table.`, { kind: "delete", cell });
}

export async function applyProposal() {
  if (state.proposal) await act(state.proposal.action);
}

export function cancelProposal() {
  state.proposal = null;
  showCells();
}

export const undo = () => saveChange((path, query) => post(`${path}/undo`, query, { by: state.user }));
export const redo = () => saveChange((path, query) => post(`${path}/redo`, query, { by: state.user }));
