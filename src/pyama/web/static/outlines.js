// Outlines and numbers of cells over the images: light lines with a dark rim, which can be seen on
// any grey. What a line means is told by its width and its pattern, not by its colour alone.

import { drawNumber } from "./cell_numbers.js";
import { OUTLINES, outlineColour, toRgb } from "./colours.js";
import { loadOutlines } from "./frames.js";
import { labelAtPoint, middleOf } from "./polygons.js";
import { state } from "./state.js";

/** @typedef {import("./frame_requests.js").FrameOutlines} FrameOutlines */
/** @typedef {import("./colours.js").Style} Style */

/**
 * A style in pixels of the canvas, with a rim that is half as wide.
 * @param {Style} style
 * @param {import("./colours.js").Rgb} [own] Where the style has no colour.
 * @returns {import("./line_drawing.js").LineStyle}
 */
function toPixels({ colour, width = 1, dashes }, own = [255, 255, 255]) {
  const ratio = Math.max(1, Math.round(window.devicePixelRatio || 1));
  const [red, green, blue] = colour ? toRgb(colour) : own;
  return {
    colour: (0xff000000 | (blue << 16) | (green << 8) | red) >>> 0,
    dashes: dashes?.map((length) => length * ratio), width: width * ratio, rim: Math.ceil(width / 2) * ratio,
  };
}

/**
 * How the line of a label looks as if it was not selected.
 * @param {number} label
 */
function styleOf(label) {
  const { frame, index } = state;
  const cell = index.cellOf(label, frame);
  if (cell === null) return toPixels(OUTLINES.leftOut);
  return index.isBad(cell, frame) ? toPixels(OUTLINES.bad) : toPixels(OUTLINES.good, outlineColour(cell));
}

/** @param {number} cell One of those that are selected. */
function selectedStyle(cell) {
  if (cell !== state.cell) return toPixels(OUTLINES.other);
  const { dashes } = state.index.isBad(cell, state.frame) ? OUTLINES.bad : { dashes: undefined };
  return toPixels({ ...OUTLINES.selected, dashes });
}

/**
 * Draws the outlines that are loaded, and the numbers.
 * @param {import("./pane.js").Pane} pane
 * @param {Record<Api.LabelKind, FrameOutlines | undefined>} shown
 */
export function drawOutlines(pane, { tracked, labeled }) {
  const { context, canvas } = pane;
  const { frame, index, cell, other: second, absent } = state;
  const transform = pane.transform();
  const before = () => (labeled?.cells ?? []).map(({ rings, box }) => ({ rings, box, style: toPixels(OUTLINES.labeled) }));
  const after = () => (tracked?.cells ?? []).map(({ label, rings, box }) => ({ rings, box, style: styleOf(label) }));
  const top = () => (tracked?.cells ?? []).flatMap(({ label, rings, box }) => {
    const own = index.cellOf(label, frame);
    if (own === null) return label === absent ? [{ rings, box, style: toPixels(OUTLINES.selected) }] : [];
    return own === cell || own === second ? [{ rings, box, style: selectedStyle(own) }] : [];
  });
  if (!tracked && !labeled) return;
  const image = pane.outlines.draw(canvas, transform, [tracked, labeled, index, frame], () => [...before(), ...after()], [cell, second, absent], top);
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.drawImage(image, 0, 0);
  if (state.ids && tracked) drawNumbers(context, tracked, transform);
}

/**
 * @param {CanvasRenderingContext2D} context In pixels of the canvas.
 * @param {FrameOutlines} outlines
 * @param {import("./viewport.js").Transform} transform
 */
function drawNumbers(context, { cells }, { scale, x, y }) {
  const size = Math.round(12 * (window.devicePixelRatio || 1));
  for (const outline of cells) {
    const cell = state.index.cellOf(outline.label, state.frame);
    const [column, row] = middleOf(outline);
    if (cell !== null) drawNumber(context, cell, [column * scale + x, row * scale + y], size);
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
