// Outlines and numbers of cells over the images.

import { OUTLINES, cellHue } from "./colours.js";
import { loadOutlines } from "./frames.js";
import { labelAtPoint, middleOf } from "./polygons.js";
import { state } from "./state.js";

/**
 * Draws in pixels of the full frame.
 * @param {CanvasRenderingContext2D} context
 * @param {import("./frame_requests.js").FrameOutlines} outlines
 * @param {number} scale Pixels of the canvas per pixel of the full frame.
 */
export function drawOutlines(context, { cells }, scale) {
  const thin = (window.devicePixelRatio || 1) / scale; // thicker lines take twice as long
  const { frame, index } = state;
  const selected = [];
  const bad = new Path2D();
  const leftOut = new Path2D();
  context.lineJoin = "bevel";
  context.lineWidth = thin;
  for (const { label, path } of cells) {
    const cell = index.cellOf(label, frame);
    if (cell === null) leftOut.addPath(path);
    else if (cell === state.cell || cell === state.other) selected.push({ cell, path });
    else if (index.isBad(cell, frame)) bad.addPath(path);
    else {
      context.strokeStyle = `hsl(${cellHue(cell)} 100% 58%)`;
      context.stroke(path);
    }
  }
  strokePath(context, leftOut, OUTLINES.leftOut.colour, thin);
  strokePath(context, bad, OUTLINES.bad.colour, thin, OUTLINES.bad.dashes.map((px) => px * thin));
  for (const { cell, path } of selected) {
    const dashes = index.isBad(cell, frame) ? [6 * thin, 4 * thin] : [];
    const { colour, width } = cell === state.cell ? OUTLINES.selected : OUTLINES.other;
    strokePath(context, path, colour, thin * width, dashes);
  }
  if (state.ids) drawNumbers(context, cells, scale);
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Path2D} path
 * @param {string} colour
 * @param {number} width
 * @param {Array<number>} [dashes]
 */
function strokePath(context, path, colour, width, dashes = []) {
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.setLineDash(dashes);
  context.stroke(path);
  context.setLineDash([]);
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Array<import("./polygons.js").Outline>} outlines
 * @param {number} scale
 */
function drawNumbers(context, outlines, scale) {
  context.font = `${(12 * (window.devicePixelRatio || 1)) / scale}px system-ui, sans-serif`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  context.fillStyle = "#fff";
  for (const outline of outlines) {
    const cell = state.index.cellOf(outline.label, state.frame);
    if (cell !== null) context.fillText(`${cell}`, ...middleOf(outline));
  }
}

/**
 * The label at a point of the frame that is shown, and that frame; undefined if there is none.
 * @param {number} x
 * @param {number} y
 */
export async function findLabel(x, y) {
  const { frame } = state;
  const outlines = await loadOutlines(frame);
  return { label: outlines && labelAtPoint(outlines.cells, x, y), frame };
}
