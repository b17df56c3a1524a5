// Colours of cells and of the theme, and what every line and outline means: the legend is made from
// these tables, so a style that is added here is explained, too.

/**
 * How a line is drawn, and what it means. Without a colour, that of the cell.
 * @typedef {{text: string, colour?: string, width?: number, dashes?: Array<number>, alpha?: number}} Style
 */

/** Outlines over the images; widths and dashes in px of the screen. */
export const OUTLINES = {
  good: /** @type {Style} */ ({ text: "cell with a trace, each in a colour of its own" }),
  selected: { colour: "#ffd24a", width: 2.2, text: "selected cell" },
  other: { colour: "#59d0ff", width: 2.2, text: "other cell, for Join and Swap (Shift+click)" },
  bad: { colour: "#ff6b5f", dashes: [4, 3], text: "cell that is marked as bad in this frame" },
  leftOut: { colour: "#7d93a8", text: "cell without a trace; click it to see why" },
};

/** @type {Record<import("./trace_lines.js").LineStyle, Style>} Lines of the plot, in the order of drawing; colours of the theme. */
export const PENS = {
  plain: { alpha: 0.6, text: "cell with a trace, in the colour of its outline" },
  bad: { colour: "--bad", dashes: [3, 3], alpha: 0.7, text: "cell that is marked as bad in some frames" },
  leftOut: { colour: "--soft", width: 2, dashes: [7, 3], text: "selected cell without a trace" },
  before: { colour: "--soft", width: 1.5, dashes: [5, 4], text: "before the change that is previewed" },
  after: { width: 2.5, text: "after the change that is previewed" },
  selected: { colour: "--selected", width: 2.5, text: "selected cell" },
  fit: { colour: "--ink", dashes: [2, 2], text: "fit to the trace" },
};

/** @type {Style} The upright line of the plot. */
export const CURSOR = { colour: "--focus", text: "upright line: the frame that is shown" };

/**
 * A different hue for every cell; neighbouring numbers differ most.
 * @param {number} cell
 */
export function cellHue(cell) {
  return (cell * 137.508) % 360;
}

/** Whether the system prefers a dark theme, and an event when that changes. */
export const darkTheme = () => matchMedia("(prefers-color-scheme: dark)");

/**
 * A colour of the theme.
 * @param {Element} place Where it is used.
 * @param {string} name Of the custom property, such as `--bad`.
 */
export const themeColour = (place, name) => getComputedStyle(place).getPropertyValue(name);
