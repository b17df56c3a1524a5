// Outlines and numbers of cells over the images.

import { cachedOutlines, fetchOutlines } from "./frames.js";
import { hue } from "./plot.js";
import { cellOf, isBad, state } from "./state.js";
import { viewport } from "./viewport.js";

const COLOURS = { selected: "#ffd24a", other: "#59d0ff", bad: "#ff6b5f", withoutTrace: "#7d93a8" };

export function drawOutlines(context, { cells }, scale) {
  const thin = (window.devicePixelRatio || 1) / scale; // thicker lines take twice as long
  const chosen = [];
  const bad = new Path2D();
  const withoutTrace = new Path2D();
  context.lineJoin = "bevel";
  context.lineWidth = thin;
  for (const entry of cells) {
    const cell = cellOf(entry.label, state.frame);
    if (cell !== null && (cell === state.cell || cell === state.other)) chosen.push([cell, entry]);
    else if (cell === null) withoutTrace.addPath(entry.path);
    else if (isBad(cell, state.frame)) bad.addPath(entry.path);
    else {
      context.strokeStyle = `hsl(${hue(cell)} 100% 58%)`;
      context.stroke(entry.path);
    }
  }
  stroke(context, withoutTrace, COLOURS.withoutTrace, thin);
  stroke(context, bad, COLOURS.bad, thin, [4 * thin, 3 * thin]);
  for (const [cell, { path }] of chosen) {
    const dashes = isBad(cell, state.frame) ? [6 * thin, 4 * thin] : [];
    stroke(context, path, cell === state.cell ? COLOURS.selected : COLOURS.other, thin * 2.2, dashes);
  }
  if (state.ids) drawNumbers(context, cells, scale);
}

function stroke(context, path, colour, width, dashes = []) {
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.setLineDash(dashes);
  context.stroke(path);
  context.setLineDash([]);
}

const middleOf = ({ box: [x0, y0, x1, y1] }) => [(x0 + x1) / 2, (y0 + y1) / 2];

function drawNumbers(context, cells, scale) {
  context.font = `${(12 * (window.devicePixelRatio || 1)) / scale}px system-ui, sans-serif`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillStyle = "#fff";
  for (const entry of cells) {
    const cell = cellOf(entry.label, state.frame);
    if (cell !== null) context.fillText(cell, ...middleOf(entry));
  }
}

// The label at a point of the frame that is shown, and that frame; undefined if there is none.
export async function labelAt(x, y) {
  const { frame } = state;
  const outlines = await fetchOutlines(frame);
  const { context } = viewport.panes[0];
  context.save();
  context.setTransform(1, 0, 0, 1, 0, 0);
  const label = outlines?.cells.find(({ path, box }) => x >= box[0] && x <= box[2] && y >= box[1] && y <= box[3]
    && context.isPointInPath(path, x, y, "evenodd"))?.label;
  context.restore();
  return { label, frame };
}

// Where a cell is on the page in this frame; null if its outline is not there. For tests.
export function middle(cell) {
  const entry = cachedOutlines(state.frame)?.cells.find(({ label }) => cellOf(label, state.frame) === cell);
  if (!entry) return null;
  const [pane] = viewport.panes;
  const { scale, x, y } = pane.transform();
  const ratio = window.devicePixelRatio || 1;
  const box = pane.canvas.getBoundingClientRect();
  const at = middleOf(entry);
  return [box.left + (at[0] * scale + x) / ratio, box.top + (at[1] * scale + y) / ratio];
}
