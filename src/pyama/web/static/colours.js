// Colours of cells, of channels and of the theme, and what every line and outline means: the legend is made from
// these tables, so a style that is added here is explained, too.

/**
 * How a line is drawn, and what it means. Without a colour, that of the cell.
 * @typedef {{text: string, colour?: string, width?: number, dashes?: Array<number>, alpha?: number}} Style
 */

/**
 * Outlines over the images, with a dark rim; widths and dashes in px of the screen. Colours are so
 * much brighter than black that on any grey either the line or its rim has a contrast of 3 and more.
 * @satisfies {Record<string, Style>}
 */
export const OUTLINES = {
  good: /** @type {Style} */ ({ text: "cell with a trace (each has its own colour)" }),
  selected: { colour: "#ffd24a", width: 3, text: "selected cell" },
  other: { colour: "#7ad7ff", width: 3, dashes: [12, 4], text: "other cell, for Join and Swap (Shift+click)" },
  bad: { colour: "#ffa591", dashes: [6, 3], text: "cell that is marked as bad in this frame" },
  leftOut: { colour: "#ffffff", dashes: [2, 2], text: "cell without a trace; click it to see why" },
  labeled: { colour: "#ffffff", text: "segmentation (before tracking), below the other outlines" },
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

/** @type {Style} The vertical line of the plot. */
export const CURSOR = { colour: "--focus", text: "vertical line: the frame that is shown" };

/** @typedef {[number, number, number]} Rgb From 0 to 255. */

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

/**
 * The colour of a sample, lighter on the dark theme: at least 3:1 against the page.
 * @param {string} colour As #rrggbb.
 */
export function sampleColour(colour) {
  if (!darkTheme().matches) return colour;
  return `#${toRgb(colour).map((part) => Math.round(part + 0.4 * (255 - part)).toString(16).padStart(2, "0")).join("")}`;
}

/** Grey level of all lines over images. */
const LINE_GREY = 182;

/**
 * The grey level of a colour without colours, after ITU-R BT.601.
 * @param {Rgb} colour
 */
const toGrey = ([red, green, blue]) => 0.299 * red + 0.587 * green + 0.114 * blue;

/**
 * The colour of the outline of a cell: its hue, as bright as that of all other cells.
 * @param {number} cell
 * @returns {Rgb}
 */
export function outlineColour(cell) {
  const hue = Math.round(cellHue(cell)) % 360;
  outlineColours[hue] ??= brightColour(hue);
  return outlineColours[hue];
}

/**
 * A colour of CSS in numbers.
 * @param {string} hex Such as `#ffd24a`.
 * @returns {Rgb}
 */
export function toRgb(hex) {
  const value = parseInt(hex.slice(1), 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}

/** @type {Array<Rgb>} By hue. */
const outlineColours = [];

/**
 * A colour of a hue whose grey level is that of lines.
 * @param {number} hue In degrees.
 * @returns {Rgb}
 */
function brightColour(hue) {
  let [low, high] = [0, 1];
  for (let step = 0; step < 12; step++) {
    const middle = (low + high) / 2;
    if (toGrey(fromHue(hue, middle)) < LINE_GREY) low = middle;
    else high = middle;
  }
  return fromHue(hue, high);
}

/**
 * @param {number} hue In degrees.
 * @param {number} lightness From 0 to 1, with full saturation.
 * @returns {Rgb}
 */
function fromHue(hue, lightness) {
  const spread = Math.min(lightness, 1 - lightness);
  const part = (/** @type {number} */ n) => {
    const k = (n + hue / 30) % 12;
    return Math.round(255 * (lightness - spread * Math.max(-1, Math.min(k - 3, 9 - k, 1))));
  };
  return [part(0), part(8), part(4)];
}

/**
 * Colours of channels that are drawn on top of each other. People who do not distinguish red from
 * green do distinguish them. Grey is darker than white, so that colours on it are visible.
 * @type {Record<string, Rgb>}
 */
export const CHANNEL_COLOURS = {
  grey: [170, 170, 170], magenta: [255, 0, 255], green: [0, 255, 0], cyan: [0, 255, 255],
  yellow: [255, 255, 0], blue: [60, 120, 255], orange: [255, 140, 0], white: [255, 255, 255],
};
