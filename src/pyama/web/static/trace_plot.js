// Traces on a canvas: a column of the table over time.

import { CURSOR, PENS, cellHue, darkTheme, themeColour } from "./colours.js";
import { contextOf } from "./elements.js";
import { axisRange, axisTicks, formatNumber } from "./numbers.js";

const MARGIN = { left: 80, right: 12, top: 12, bottom: 34 };
const NEAR_PX = 25;

/** @typedef {import("./trace_lines.js").TraceLine} TraceLine */

/**
 * @typedef {object} PlotOptions
 * @property {Array<number>} times Of all frames, ascending.
 * @property {string} timeUnit
 * @property {string} title
 * @property {string} unit
 * @property {number} frame Where the cursor is.
 */

export class TracePlot {
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {(cell: number, frame: number) => void} select Called after a click near a trace.
   */
  constructor(canvas, select) {
    this.canvas = canvas;
    /** @type {Array<TraceLine>} */
    this.lines = [];
    /** @type {PlotOptions} */
    this.options = { times: [], timeUnit: "", title: "", unit: "", frame: 0 };
    canvas.addEventListener("click", (event) => {
      const point = this.#nearestPoint(event.offsetX, event.offsetY);
      if (point) select(point.cell, point.frame);
    });
    new ResizeObserver(() => this.draw()).observe(canvas);
    darkTheme().addEventListener("change", () => this.draw());
  }

  /**
   * @param {Array<TraceLine>} lines
   * @param {PlotOptions} options
   */
  show(lines, options) {
    this.lines = lines;
    this.options = options;
    this.canvas.setAttribute("aria-label", `Traces of ${options.title || "the cells"} over time (${options.timeUnit})`);
    this.draw();
  }

  /** @param {number} frame */
  moveCursor(frame) {
    this.options.frame = frame;
    this.draw();
  }

  draw() {
    const { canvas } = this;
    const ratio = window.devicePixelRatio || 1;
    canvas.width = Math.round(canvas.clientWidth * ratio);
    canvas.height = Math.round(canvas.clientHeight * ratio);
    const { times, frame } = this.options;
    if (!times.length) return;
    const context = contextOf(canvas);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    const scales = this.#scales();
    this.#drawAxes(context, scales);
    for (const [style, pen] of Object.entries(PENS)) {
      const colour = pen.colour ? themeColour(canvas, pen.colour) : null;
      for (const line of this.lines) {
        if (line.style === style) drawLine(context, scales, line, { ...pen, colour: colour ?? lineColour(line.cell) });
      }
    }
    const x = scales.x(times[frame] ?? 0);
    Object.assign(context, { strokeStyle: themeColour(canvas, CURSOR.colour ?? "--focus"), lineWidth: 1 });
    context.setLineDash([]);
    strokeSegments(context, [[x, MARGIN.top, x, scales.height - MARGIN.bottom]]);
  }

  #scales() {
    const [width, height] = [this.canvas.clientWidth, this.canvas.clientHeight];
    const { times } = this.options;
    return makeScales(width, height, [times[0], times[times.length - 1]],
      axisRange(this.lines.flatMap(({ points }) => points.map(({ value }) => value))));
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {Scales} scales
   */
  #drawAxes(context, { x, y, width, height, times, values }) {
    const { title, unit, timeUnit } = this.options;
    Object.assign(context, { fillStyle: themeColour(this.canvas, "--soft"), strokeStyle: themeColour(this.canvas, "--grid"), lineWidth: 1, font: "11px system-ui, sans-serif" });
    context.setLineDash([]);
    const [rows, columns] = [axisTicks(...values, 5), axisTicks(...times, 6)];
    const [right, bottom] = [width - MARGIN.right, height - MARGIN.bottom];
    strokeSegments(context, [
      ...rows.map((value) => [MARGIN.left, y(value), right, y(value)]),
      ...columns.map((time) => [x(time), MARGIN.top, x(time), bottom]),
    ]);
    Object.assign(context, { textAlign: "right", textBaseline: "middle" });
    for (const value of rows) context.fillText(formatNumber(value), MARGIN.left - 6, y(value));
    Object.assign(context, { textAlign: "center", textBaseline: "top" });
    for (const time of columns) context.fillText(formatNumber(time), x(time), bottom + 5);
    context.fillText(`time (${timeUnit})`, (MARGIN.left + width) / 2, height - 15);
    writeUpwards(context, unit ? `${title} (${unit})` : title, 11, height / 2);
  }

  /**
   * @param {number} x
   * @param {number} y
   */
  #nearestPoint(x, y) {
    return this.options.times.length ? nearestPoint(this.lines, this.#scales(), x, y) : null;
  }
}

/**
 * From times and values to pixels of the plot.
 * @typedef {object} Scales
 * @property {(time: number) => number} x
 * @property {(value: number) => number} y
 * @property {number} width
 * @property {number} height
 * @property {[number, number]} times First and last.
 * @property {[number, number]} values Least and largest on the axis.
 */

/**
 * @param {number} width
 * @param {number} height
 * @param {[number, number]} times
 * @param {[number, number]} values
 * @returns {Scales}
 */
export function makeScales(width, height, times, values) {
  const span = times[1] - times[0] || 1;
  const x = (/** @type {number} */ time) => MARGIN.left + ((time - times[0]) / span) * (width - MARGIN.left - MARGIN.right);
  const y = (/** @type {number} */ value) =>
    height - MARGIN.bottom - ((value - values[0]) / (values[1] - values[0])) * (height - MARGIN.top - MARGIN.bottom);
  return { x, y, width, height, times, values };
}

/**
 * The cell and frame of the trace at a point of the plot; null where none is near.
 * @param {Array<TraceLine>} lines
 * @param {Pick<Scales, "x" | "y">} scales
 * @param {number} x
 * @param {number} y
 */
export function nearestPoint(lines, scales, x, y) {
  let nearest = null;
  for (const { cell, points, style } of lines) {
    if (style === "fit") continue;
    const advantage = style === "selected" ? 2 : 0; // where traces cross, it stays selected
    for (const { time, value, frame } of points) {
      if (value === null) continue;
      const distance = Math.hypot(scales.x(time) - x, scales.y(value) - y) - advantage;
      if (distance < (nearest?.distance ?? NEAR_PX)) nearest = { cell, frame, distance };
    }
  }
  return nearest;
}

/**
 * The colour of a cell, which can be seen on the paper of the theme.
 * @param {number} cell
 */
const lineColour = (cell) => `hsl(${cellHue(cell)} 55% ${darkTheme().matches ? 65 : 42}%)`;

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Scales} scales
 * @param {TraceLine} line
 * @param {Partial<import("./colours.js").Style>} pen With a colour of CSS.
 */
export function drawLine(context, scales, { points }, { colour, width = 1, dashes = [], alpha = 1 }) {
  Object.assign(context, { strokeStyle: colour, lineWidth: width, globalAlpha: alpha });
  context.setLineDash(dashes);
  context.beginPath();
  /** @type {number | null} */
  let lastFrame = null;
  for (const { time, value, frame } of points) {
    if (value === null) { lastFrame = null; continue; }
    const [x, y] = [scales.x(time), scales.y(value)];
    if (lastFrame !== null && frame - lastFrame === 1) context.lineTo(x, y);
    else { context.moveTo(x, y); context.lineTo(x + 0.6, y); } // a dot, also without a next point
    lastFrame = frame;
  }
  context.stroke();
  context.globalAlpha = 1;
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Array<Array<number>>} segments Of four numbers: x and y of both ends.
 */
function strokeSegments(context, segments) {
  context.beginPath();
  for (const [x0, y0, x1, y1] of segments) {
    context.moveTo(x0, y0);
    context.lineTo(x1, y1);
  }
  context.stroke();
}

/**
 * Writes from bottom to top, in the middle of a point.
 * @param {CanvasRenderingContext2D} context
 * @param {string} text
 * @param {number} x
 * @param {number} y
 */
export function writeUpwards(context, text, x, y) {
  context.save();
  context.translate(x, y);
  context.rotate(-Math.PI / 2);
  Object.assign(context, { textAlign: "center", textBaseline: "middle" });
  context.fillText(text, 0, 0);
  context.restore();
}
