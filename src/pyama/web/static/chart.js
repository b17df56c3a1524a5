// Axes, zoom and cursor of a figure, by uPlot: dragging zooms, a double click shows all again.

import { darkTheme, themeColour } from "./colours.js";
import { element } from "./elements.js";
import { formatTicks, logTicks } from "./numbers.js";
import uPlot from "./vendor/uplot/uPlot.esm.js";

/** @typedef {[number, number]} Range Least and largest value of an axis. */

/**
 * @typedef {object} ChartOptions
 * @property {Array<uPlot.Series>} series Without that of x.
 * @property {() => {x: string, y: string}} titles Of the axes.
 * @property {Range} rangeX Of the axis of x while nothing is zoomed.
 * @property {() => Range} rangeY
 * @property {(chart: uPlot) => string} readout What is at the cursor, in words.
 * @property {{x?: boolean, y?: boolean}} [log] Which axes are logarithmic.
 * @property {() => void} [onLayout] Called when positions of values or colours have changed.
 */

export class Chart {
  /** @type {Range | null} What is shown of y while it is zoomed. */
  #zoomedY = null;
  #gone = new AbortController();

  /**
   * @param {HTMLElement} place
   * @param {ChartOptions} options
   * @param {uPlot.AlignedData} data
   */
  constructor(place, options, data) {
    this.options = options;
    this.place = place;
    this.readout = element("output", { ariaLive: "off", className: "readout" });
    this.plot = new uPlot(this.#uPlotOptions(), data, place);
    this.plot.root.append(this.readout);
    this.reset();
    const observer = new ResizeObserver(() => this.#fit());
    observer.observe(place);
    this.#gone.signal.addEventListener("abort", () => observer.disconnect());
    darkTheme().addEventListener("change", () => { options.onLayout?.(); this.redraw(); }, { signal: this.#gone.signal });
  }

  /** Draws the same part again. */
  redraw() {
    this.plot.redraw();
    this.showReadout();
  }

  /** Shows all. */
  reset() {
    this.#zoomedY = null;
    const [min, max] = this.options.rangeX;
    this.plot.setScale("x", { min, max });
  }

  /**
   * The part that is shown, for the figure as a file; nothing while all is shown.
   * @returns {{part?: string}}
   */
  shownPart() {
    const { scales: { x: { min, max } } } = this.plot;
    const [low, high] = this.options.rangeX;
    const isWhole = this.#zoomedY === null && min === low && max === high;
    return isWhole ? {} : { part: [min, max, ...(this.#zoomedY ?? this.options.rangeY())].join() };
  }

  showReadout() {
    this.readout.textContent = this.options.readout(this.plot);
  }

  destroy() {
    this.#gone.abort();
    this.plot.destroy();
  }

  #fit() {
    const { clientWidth: width, clientHeight: height } = this.place;
    if (width && height) this.plot.setSize({ width, height });
  }

  /** Keeps the part of y that was selected: whenever x is set, uPlot asks for the range of y again. */
  #keepSelected() {
    const { select: { top, height }, over, posToVal } = this.plot;
    if (height < over.clientHeight) this.#zoomedY = [posToVal(top + height, "y"), posToVal(top, "y")];
    over.addEventListener("click", (event) => event.stopImmediatePropagation(), { once: true, capture: true }); // it ends the selection
  }

  /** @returns {uPlot.Options} */
  #uPlotOptions() {
    const { series, log = {}, onLayout = () => {} } = this.options;
    return {
      width: this.place.clientWidth, height: this.place.clientHeight,
      padding: [18, 12, 0, 0], legend: { show: false },
      series: [{}, ...series],
      scales: {
        x: { time: false, distr: log.x ? 3 : 1, range: (_, low, high) => (low < high ? [low, high] : this.options.rangeX) },
        y: { distr: log.y ? 3 : 1, range: () => this.#zoomedY ?? this.options.rangeY() },
      },
      axes: [
        this.#axis("x", { size: 22, labelSize: 16 }),
        this.#axis("y", { labelSize: 20, size: (_, texts) => 14 + 6.5 * Math.max(4, ...(texts ?? []).map((text) => text?.length ?? 0)) }),
      ],
      cursor: {
        points: { show: false }, y: false, dataIdx: (_, __, index) => index,
        drag: { x: true, y: true, dist: 5, uni: 20, click: () => {} },
        bind: { dblclick: () => () => { this.reset(); return null; } },
      },
      hooks: {
        setCursor: [() => this.showReadout()],
        setSelect: [() => this.#keepSelected()],
        setScale: [onLayout], setSize: [onLayout],
      },
    };
  }

  /**
   * @param {"x" | "y"} scale
   * @param {uPlot.Axis} sizes
   * @returns {uPlot.Axis}
   */
  #axis(scale, sizes) {
    const grid = { stroke: () => themeColour(this.place, "--grid"), width: 1 };
    const font = "11px system-ui, sans-serif";
    return {
      ...sizes, scale, font, labelFont: font, grid, ticks: { show: false }, gap: 5,
      space: scale === "x" ? 55 : 35, stroke: () => themeColour(this.place, "--soft"),
      // uPlot calls it, but its types know texts only.
      label: /** @type {any} */ (() => this.options.titles()[scale]),
      values: (_, ticks, __, ___, step) => formatTicks(ticks, step),
      ...(this.options.log?.[scale] ? { splits: (_, __, low, high) => logTicks(low, high) } : {}),
    };
  }
}
