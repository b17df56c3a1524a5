// The plot of traces: a column of the table over time.

import { Chart } from "./chart.js";
import { CURSOR, PENS, cellHue, darkTheme, themeColour } from "./colours.js";
import { element } from "./elements.js";
import { axisRange, countText, extentOf, formatNumber, logAxisRange } from "./numbers.js";

const NEAR_PX = 25;
/** Radius of a point without neighbours. */
const POINT_PX = 2;

/** @typedef {import("./trace_lines.js").TraceLine} TraceLine */
/** @typedef {import("./trace_lines.js").LineStyle} LineStyle */

/**
 * @typedef {object} PlotOptions
 * @property {Array<number>} times Of all frames, ascending.
 * @property {string} timeUnit
 * @property {string} title
 * @property {string} unit
 * @property {number} frame Where the cursor is.
 */

const STYLES = /** @type {Array<LineStyle>} */ (Object.keys(PENS));

/**
 * Lines of one style, and what is drawn of them by colour: kept until they or the axes change, so
 * that selecting a cell draws only this cell anew.
 * @typedef {{lines: Array<TraceLine>, extent: Array<number>, strokes: Map<string, Path2D> | null}} Layer
 */

export class TracePlot {
  /** @type {Map<LineStyle, Layer>} */
  #layers = new Map(STYLES.map((style) => [style, { lines: [], extent: [], strokes: null }]));
  /** @type {Chart | null} */
  #chart = null;
  #frameLine = element("i", { className: "frame-line" });

  /**
   * @param {HTMLElement} place
   * @param {(cell: number, frame: number) => void} select Called after a click near a trace.
   */
  constructor(place, select) {
    this.place = place;
    this.select = select;
    this.#frameLine.style.borderColor = `var(${CURSOR.colour})`;
    this.isLog = false;
    this.hidden = "";
    /** @type {Array<TraceLine>} */
    this.lines = [];
    /** @type {PlotOptions} */
    this.options = { times: [], timeUnit: "", title: "", unit: "", frame: 0 };
  }

  /**
   * @param {Array<TraceLine>} lines
   * @param {PlotOptions} options
   * @param {boolean} isLog Whether the axis of values is logarithmic: what is not above 0 is not shown.
   */
  show(lines, options, isLog) {
    const { times, title, timeUnit } = options;
    const isOther = isLog !== this.isLog || times.join() !== this.options.times.join() || title !== this.options.title;
    this.hidden = "";
    if (isLog) lines = this.#hideBelowZero(lines);
    Object.assign(this, { lines, options, isLog });
    for (const style of STYLES) {
      const own = lines.filter((line) => line.style === style);
      if (isOther || !areSame(own, this.#layers.get(style)?.lines)) {
        this.#layers.set(style, { lines: own, extent: extentOf(own.flatMap(({ values }) => values)), strokes: null });
      }
    }
    this.place.setAttribute("aria-label", `Traces of ${title || "the cells"} over time (${timeUnit})`);
    if (isOther) this.#makeChart();
    else this.#chart?.redraw();
    this.moveCursor(options.frame);
  }

  /** @param {Array<TraceLine>} lines */
  #hideBelowZero(lines) {
    const hidden = lines.flatMap(({ values }) => values).filter((value) => value !== null && value <= 0).length;
    if (!hidden) return lines;
    this.hidden = `${countText(hidden, "value")} up to 0 not drawn`;
    return lines.map((line) => ({ ...line, values: line.values.map((value) => ((value ?? 0) > 0 ? value : null)) }));
  }

  /** @param {number} frame */
  moveCursor(frame) {
    this.options.frame = frame;
    const x = this.#chart?.plot.valToPos(this.options.times[frame], "x") ?? 0;
    this.#frameLine.style.transform = `translateX(${Math.round(x)}px)`;
    this.#chart?.showReadout();
  }

  /** The part that is shown, see `Chart`. */
  shownPart() {
    return this.#chart?.shownPart() ?? {};
  }

  /** Shows all of the traces. */
  reset() {
    this.#chart?.reset();
  }

  #makeChart() {
    const { times } = this.options;
    this.#chart?.destroy();
    this.#chart = null;
    if (!times.length) return;
    this.#chart = new Chart(this.place, {
      log: { y: this.isLog },
      series: STYLES.map((style) => this.#series(style)),
      titles: () => this.#titles(),
      rangeX: axisRange(times, 0),
      rangeY: () => (this.isLog ? logAxisRange : axisRange)([...this.#layers.values()].flatMap(({ extent }) => extent)),
      readout: () => this.#readout(),
      onLayout: () => {
        for (const layer of this.#layers.values()) layer.strokes = null;
        this.moveCursor(this.options.frame);
      },
    }, [times, ...STYLES.map(() => [])]);
    const { over } = this.#chart.plot;
    over.append(this.#frameLine);
    over.addEventListener("click", () => {
      const point = this.#nearestPoint();
      if (point) this.select(point.cell, point.frame);
    });
  }

  #titles() {
    const { title, unit, timeUnit } = this.options; // the unit of a column may be known later than its name
    return { x: `time (${timeUnit})`, y: [unit ? `${title} (${unit})` : title, this.hidden].filter(Boolean).join("; ") };
  }

  /**
   * @param {LineStyle} style
   * @returns {import("./vendor/uplot/uPlot.esm.js").Series}
   */
  #series(style) {
    const { width = 1, dashes, alpha = 1 } = PENS[style];
    const dash = dashes?.map((length) => length * window.devicePixelRatio);
    return { width, dash, alpha, auto: false, points: { show: false }, paths: () => ({ stroke: this.#strokes(style) }) };
  }

  /** @param {LineStyle} style */
  #strokes(style) {
    const layer = /** @type {Layer} */ (this.#layers.get(style));
    if (layer.strokes) return layer.strokes;
    const { colour } = PENS[style];
    const own = colour && themeColour(this.place, colour);
    const lightness = darkTheme().matches ? 65 : 42; // can be seen on the paper of the theme
    layer.strokes = new Map();
    for (const line of layer.lines) {
      const stroke = own || `hsl(${cellHue(line.cell)} 55% ${lightness}%)`;
      const path = layer.strokes.get(stroke) ?? new Path2D();
      addLine(path, line, this.#scales(true), POINT_PX * window.devicePixelRatio);
      layer.strokes.set(stroke, path);
    }
    return layer.strokes;
  }

  /**
   * From frames and values to px of CSS or of the canvas.
   * @param {boolean} onCanvas
   * @returns {Scales}
   */
  #scales(onCanvas) {
    const { valToPos } = /** @type {Chart} */ (this.#chart).plot;
    return { x: (frame) => valToPos(this.options.times[frame], "x", onCanvas), y: (value) => valToPos(value, "y", onCanvas) };
  }

  /** The point of a trace near the mouse. */
  #nearestPoint() {
    const { left = -1, top = -1 } = this.#chart?.plot.cursor ?? {};
    return left < 0 ? null : nearestPoint(this.lines, this.#scales(false), left, top);
  }

  /** Cell, time and value near the mouse, or time and value at it; else those of the selected cell in the frame that is shown. */
  #readout() {
    const { times, timeUnit, unit, frame: current } = this.options;
    const { cursor: { left = -1, top = -1 }, posToVal } = /** @type {Chart} */ (this.#chart).plot;
    const write = (/** @type {number} */ time, /** @type {number} */ value) => `${formatNumber(time)} ${timeUnit} · ${formatNumber(value)} ${unit}`;
    const near = this.#nearestPoint();
    if (near) return `cell ${near.cell} · ${write(times[near.frame], near.value)}`;
    if (left >= 0) return write(posToVal(left, "x"), posToVal(top, "y"));
    const chosen = this.lines.find(({ style }) => style === "selected");
    const value = chosen?.values[chosen.frames.indexOf(current)];
    return typeof value === "number" ? `cell ${chosen?.cell} · ${write(times[current], value)}` : "";
  }
}

/**
 * Whether lines of one style have the same points.
 * @param {Array<TraceLine>} lines
 * @param {Array<TraceLine>} [others]
 */
const areSame = (lines, others) => lines.length === others?.length && lines.every(({ source }, i) => source === others[i].source);

/**
 * Pixels of frames and values.
 * @typedef {{x: (frame: number) => number, y: (value: number) => number}} Scales
 */

/**
 * The cell, frame and value of the trace at a point of the plot; null where none is near.
 * @param {Array<TraceLine>} lines
 * @param {Scales} scales
 * @param {number} x
 * @param {number} y
 */
export function nearestPoint(lines, scales, x, y) {
  let nearest = null;
  for (const { cell, frames, values, style } of lines) {
    if (style === "fit") continue;
    const advantage = style === "selected" ? 2 : 0; // where traces cross, it stays selected
    for (const [i, value] of values.entries()) {
      if (value === null) continue;
      const distance = Math.hypot(scales.x(frames[i]) - x, scales.y(value) - y) - advantage;
      if (distance < (nearest?.distance ?? NEAR_PX)) nearest = { cell, frame: frames[i], value, distance };
    }
  }
  return nearest;
}

/**
 * Adds a line to a path, with a gap where a cell is absent or has no value. A point without
 * neighbours is a circle.
 * @param {Pick<Path2D, "moveTo" | "lineTo" | "arc">} path
 * @param {Pick<TraceLine, "frames" | "values">} line
 * @param {Scales} scales
 * @param {number} radius Of circles, in px of `scales`.
 */
export function addLine(path, { frames, values }, scales, radius) {
  const follows = (/** @type {number} */ i) => frames[i] - frames[i - 1] === 1 && values[i - 1] !== null && values[i] !== null;
  values.forEach((value, i) => {
    if (value === null) return;
    const [x, y] = [scales.x(frames[i]), scales.y(value)];
    if (follows(i)) path.lineTo(x, y);
    else if (follows(i + 1)) path.moveTo(x, y);
    else { path.moveTo(x + radius, y); path.arc(x, y, radius, 0, 2 * Math.PI); }
  });
}
