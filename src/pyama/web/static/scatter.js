// Two numbers of every cell against each other, computed by the server as for the figures.

import { Chart } from "./chart.js";
import { sampleColour } from "./colours.js";
import { card, element, fillSelect, find, showErrorsOf } from "./elements.js";
import { makeFigureButtons } from "./figure_files.js";
import { formatNumber } from "./numbers.js";
import { get, makeLatestCheck } from "./requests.js";

/**
 * The fits that are shown.
 * @typedef {{dir: string, model: string, column: string, min_r_squared: number | undefined}} ShownFits
 */

/** @type {ShownFits | null} */
let fits = null;
/** @type {Chart | null} */
let chart = null;

export function makeScatterCard() {
  const onchange = showErrorsOf(showScatter);
  return card("Scatter",
    element("p", { id: "scatter-none", hidden: true }, "No fit yet. Merge the samples, then fit them."),
    element("div", { id: "scatter", className: "bar" },
      element("label", {}, "x ", element("select", { id: "scatter-x", onchange })),
      element("label", { className: "check" }, element("input", { id: "scatter-x-log", type: "checkbox", onchange }), "log"),
      element("label", {}, "y ", element("select", { id: "scatter-y", onchange })),
      element("label", { className: "check" }, element("input", { id: "scatter-y-log", type: "checkbox", onchange }), "log"),
      element("button", { onclick: () => chart?.reset() }, "Reset zoom"),
      ...makeFigureButtons(() => "figures/scatter", () => ({ ...query(), ...chart?.shownPart() }))),
    element("div", { id: "scatter-plot", className: "chart", role: "img", "aria-label": "Two numbers of every cell" }),
    element("p", { id: "scatter-note", className: "soft" }));
}

/**
 * Lists the numbers of the fits that are compared; what was chosen stays chosen.
 * @param {ShownFits | null} chosen Null without fits.
 * @param {Array<[string, string]>} options Names, and names with units.
 */
export async function showScatterNumbers(chosen, options) {
  fits = chosen;
  const names = ["scatter-x", "scatter-y"];
  find("scatter").hidden = !options.length;
  find("scatter-none").hidden = options.length > 0;
  /** @type {Array<"scatter-x" | "scatter-y">} */ (names).forEach((id, i) => {
    fillSelect(find(id), options, find(id).value || options[Math.min(i, options.length - 1)]?.[0]);
  });
  await showScatter();
}

/** What the plot shows. */
function query() {
  const scaleOf = (/** @type {"x" | "y"} */ axis) => /** @type {"log" | "linear"} */ (find(`scatter-${axis}-log`).checked ? "log" : "linear");
  const names = { x: find("scatter-x").value, y: find("scatter-y").value };
  return { .../** @type {ShownFits} */ (fits), ...names, x_scale: scaleOf("x"), y_scale: scaleOf("y") };
}

/**
 * Why a figure does not draw all cells.
 * @param {string} [counted] How many; empty if it draws all.
 */
export const farOutNote = (counted) => (counted ? `${counted}. Their values are more than three interquartile ranges beyond the quartiles, or not above 0 on a logarithmic axis. Medians, quartiles and tables contain them.` : "");

const startRequest = makeLatestCheck();

async function showScatter() {
  const isLatest = startRequest();
  const scatter = fits && await get("scatter", query());
  if (!isLatest()) return;
  find("scatter-note").textContent = farOutNote(scatter?.not_shown);
  chart?.destroy();
  find("scatter-plot").hidden = !scatter;
  chart = scatter && drawScatter(find("scatter-plot"), scatter);
}

/** @typedef {{sample: string, color: string, place: string, x: number, y: number}} Point */

/**
 * The cells that can be drawn, by their x.
 * @param {Api.ScatterPlot} scatter
 * @returns {Array<Point>}
 */
export function pointsOf({ x: xAxis, y: yAxis, samples }) {
  const isThere = (/** @type {Api.ScatterAxis} */ { scale }, /** @type {number} */ value) => scale === "linear" || value > 0;
  return samples
    .flatMap(({ sample, color, recordings, fovs, cells, x, y }) => x.map((value, i) => ({ sample, color, place: `${recordings.length ? `${recordings[i]}, ` : ""}FOV ${fovs[i]}, cell ${cells[i]}`, x: value, y: y[i] })))
    .filter(({ x, y }) => isThere(xAxis, x) && isThere(yAxis, y))
    .sort((a, b) => a.x - b.x);
}

/**
 * @param {HTMLElement} place
 * @param {Api.ScatterPlot} scatter
 */
function drawScatter(place, scatter) {
  const { x: xAxis, y: yAxis, samples } = scatter;
  const points = pointsOf(scatter);
  return new Chart(place, {
    series: samples.map(({ color }) => ({ paths: () => null, auto: false, points: { show: true, size: 5, width: 0, fill: () => `${sampleColour(color)}c0` } })),
    titles: () => ({ x: xAxis.label, y: yAxis.label }),
    log: { x: xAxis.scale === "log", y: yAxis.scale === "log" },
    rangeX: xAxis.limits,
    rangeY: () => yAxis.limits,
    readout: ({ cursor: { left = -1, top = -1 }, valToPos }) => {
      const near = left < 0 ? null : nearestCell(points, { x: (value) => valToPos(value, "x"), y: (value) => valToPos(value, "y") }, left, top);
      return near ? `${near.sample}, ${near.place} · ${formatNumber(near.x)}, ${formatNumber(near.y)}` : "";
    },
  }, [points.map(({ x }) => x), ...samples.map(({ sample }) => points.map((point) => (point.sample === sample ? point.y : null)))]);
}

/**
 * The cell within 10 px; null where none is.
 * @param {Array<Point>} points
 * @param {{x: (value: number) => number, y: (value: number) => number}} scales To px.
 * @param {number} left
 * @param {number} top
 */
export function nearestCell(points, scales, left, top) {
  let [nearest, least] = [/** @type {Point | null} */ (null), 10];
  for (const point of points) {
    const distance = Math.hypot(scales.x(point.x) - left, scales.y(point.y) - top);
    if (distance < least) [nearest, least] = [point, distance];
  }
  return nearest;
}
