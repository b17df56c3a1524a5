// The actions of an inspection: marks are saved at once, other changes are previewed first.

import { showCells } from "./cell_panel.js";
import { showTracks, showUnsent } from "./cells.js";
import { actionText, makeId, sendClick } from "./unsent_corrections.js";
import { isLost } from "./connection.js";
import { showConnection } from "./connection_notice.js";
import { find, showStatus } from "./elements.js";
import { enqueue } from "./queue.js";
import { LostError, post } from "./requests.js";
import { openSource, state } from "./state.js";
import { loadTraces, showsParts } from "./traces.js";

export function setUpInspection() {
  const actions = /** @type {const} */ ([
    ["good", () => markCell(true)], ["bad", () => markCell(false)],
    ["join", joinCells], ["swap", swapCells], ["cut", cutCell], ["delete", deleteCell],
    ["keep", keepCell], ["undo", undo], ["redo", redo],
    ["proposal-apply", applyProposal], ["proposal-cancel", cancelProposal],
  ]);
  for (const [id, action] of actions) find(id).addEventListener("click", () => enqueue(action));
  find("bad-from").addEventListener("click", () => { const { frame } = state; enqueue(() => markCell(false, frame)); });
}

/**
 * Sends a change, and shows the cells afterwards, unless something else was opened since. Without
 * a connection it is kept, and sent later.
 * @param {"act" | "undo" | "redo"} kind
 * @param {Api.ActionRequest["action"] | null} [action]
 */
async function saveChange(kind, action = null) {
  const source = openSource();
  const { digest = "", log = [] } = state.tracks ?? {};
  const sent = sendClick({
    id: makeId(), dir: source.dir, fov: source.fov, kind, action, by: state.user,
    text: action ? actionText(action) : kind, traces: digest, seen: log.length,
  });
  const tracks = await sent.catch((error) => {
    showUnsent(); // a refused mark may have been shown meanwhile
    throw error;
  });
  if (source !== state.source) return;
  state.proposal = null;
  if (!tracks) {
    showUnsent();
    showConnection();
    showStatus("Kept, not saved yet");
    return;
  }
  showTracks(tracks);
  showStatus("Saved");
  await loadTraces();
}

/** @param {Api.ActionRequest["action"]} action */
const act = (action) => saveChange("act", action);

/**
 * Shows the effect of an action; `applyProposal` carries it out.
 * @param {string} text
 * @param {Api.ActionRequest["action"]} action
 */
async function preview(text, action) {
  const source = openSource();
  const { dir, fov } = source;
  const column = (showsParts() ? null : state.column) ?? state.tracks?.columns[0].name ?? "";
  const effect = await requestEffect(fov, dir, { action, column });
  if (source !== state.source) return;
  state.proposal = { text: effect ? text : `${text} No connection: its effect is not shown.`, action, effect };
  showCells();
  find("proposal-apply").focus(); // so that Enter applies and Escape cancels
}

/**
 * The effect of an action; null without a connection.
 * @param {number} fov
 * @param {string} dir
 * @param {Api.PreviewRequest} request
 */
async function requestEffect(fov, dir, request) {
  if (isLost()) return null;
  try {
    return await post(`fovs/${fov}/inspection/preview`, { dir }, request);
  } catch (error) {
    if (error instanceof LostError) return null;
    throw error;
  }
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

/** Gives the selected cell that has no trace one. */
export async function keepCell() {
  if (state.absent !== null) await act({ kind: "keep", cell: state.absent, left_out: state.tracks?.left_out_digest });
}

export async function applyProposal() {
  if (state.proposal) await act(state.proposal.action);
}

export function cancelProposal() {
  state.proposal = null;
  showCells();
}

export const undo = () => saveChange("undo");
export const redo = () => saveChange("redo");
