// Which lines the plot of traces shows, and what they mean.

/** @typedef {"plain" | "bad" | "leftOut" | "before" | "after" | "selected" | "fit"} LineStyle */

/**
 * @typedef {object} TraceLine
 * @property {number} cell
 * @property {LineStyle} style
 * @property {Array<number>} frames Ascending.
 * @property {Array<number | null>} values In these frames.
 * @property {object} source A trace, or the fit of one: lines of one source have the same points.
 */

/**
 * The traces that a plot shows.
 * @typedef {object} ShownTraces
 * @property {Array<Api.Trace>} traces
 * @property {number | null} cell The selected cell.
 * @property {Api.Trace | null} [absent] Of the selected cell that has no trace.
 * @property {Api.Effect | null} effect Of the change that is previewed.
 * @property {(cell: number) => boolean} isBad Whether some frames of a cell are bad.
 * @property {(cell: number) => Api.FittedCell | undefined} fitOf
 */

/**
 * Times in hours if the movie lasts two hours or more, else in minutes.
 * @param {Array<number>} minutes
 */
export function plotTimes(minutes) {
  const inHours = minutes[minutes.length - 1] >= 120;
  return { times: minutes.map((time) => (inHours ? time / 60 : time)), timeUnit: inHours ? "h" : "min" };
}

/**
 * @param {ShownTraces} shown
 * @returns {Array<TraceLine>}
 */
export function traceLines({ traces, cell, absent, effect, isBad, fitOf }) {
  /** @type {(style: LineStyle) => (trace: Api.Trace) => TraceLine} */
  const toLine = (style) => (trace) => ({ ...trace, style, source: trace });
  if (effect) return [...traces.map(toLine("plain")), ...effect.before.map(toLine("before")), ...effect.after.map(toLine("after"))];
  const leftOut = absent ? [toLine("leftOut")(absent)] : [];
  return leftOut.concat(traces.flatMap((trace) => {
    const lines = [toLine(isBad(trace.cell) ? "bad" : "plain")(trace)];
    if (trace.cell === cell) lines.push(toLine("selected")(trace)); // over itself: the other lines stay as they are
    const fit = fitOf(trace.cell);
    if (fit) lines.push({ ...lines[0], style: "fit", values: trace.frames.map((frame) => fit.values[frame] ?? null), source: fit });
    return lines;
  }));
}

/** @type {Array<["raw" | "background" | "corrected", LineStyle]>} */
export const PARTS = [["raw", "before"], ["background", "fit"], ["corrected", "selected"]];

/**
 * Raw, background and corrected intensity of one cell.
 * @param {import("./state.js").IntensityParts} parts
 * @returns {Array<TraceLine>}
 */
export function partLines({ cell, points }) {
  const frames = points.map(({ frame }) => frame);
  return PARTS.map(([name, style]) => {
    const values = points.map((point) => point[name]);
    return { cell, style, frames, values, source: values };
  });
}

/**
 * What the lines mean: styles and texts.
 * @param {{showsParts: boolean, showsEffect: boolean, lines: Array<TraceLine>, isFitCurrent: boolean}} shown
 * @returns {Array<[LineStyle, string]>}
 */
export function legendEntries({ showsParts, showsEffect, lines, isFitCurrent }) {
  if (showsParts) return PARTS.map(([name, style]) => [style, name]);
  if (showsEffect) return [["before", "before"], ["after", "after"]];
  const hasFit = lines.some(({ style }) => style === "fit");
  const fit = isFitCurrent ? "fit" : "fit of earlier traces (merge and fit again)";
  /** @type {[LineStyle, string]} */
  const selected = lines.some(({ style }) => style === "leftOut") ? ["leftOut", "selected, without a trace"] : ["selected", "selected"];
  return [selected, ["bad", "bad"], ...(hasFit ? [/** @type {[LineStyle, string]} */ (["fit", fit])] : [])];
}

/**
 * The points of one cell, which may have had several labels, in the order of frames.
 * @param {Api.Track} track
 * @param {Array<Api.Parts>} answers Of all labels of the cell.
 * @returns {import("./state.js").IntensityParts}
 */
export function joinParts({ cell, segments }, answers) {
  const points = answers.flatMap(({ label, frames, raw, background, corrected }) => frames
    .map((frame, i) => ({ frame, raw: raw[i], background: background[i], corrected: corrected[i] }))
    .filter(({ frame }) => segments.some(([own, first, last]) => own === label && first <= frame && frame <= last)));
  return { cell, points: points.sort((a, b) => a.frame - b.frame) };
}
