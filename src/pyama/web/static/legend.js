// The legend of all colours and lines, made from the tables that they are drawn with.

import { CURSOR, OUTLINES, PENS } from "./colours.js";
import { element, find } from "./elements.js";
import { PARTS } from "./trace_lines.js";

/** @typedef {import("./colours.js").Style} Style */

/** Fills the legend below the plot. */
export function setUpLegend() {
  /** @type {Array<Style>} */
  const parts = PARTS.map(([name, style]) => ({ ...PENS[style], text: `${name} intensity of the selected cell` }));
  find("colours").replaceChildren(
    ...listOf("In the images", Object.values(OUTLINES), "over-image"),
    ...listOf("In the plot", [...Object.values(PENS), CURSOR]),
    ...listOf("In the plot of raw, background, corrected", parts),
  );
}

/**
 * @param {string} title
 * @param {Array<Style>} styles
 */
function listOf(title, styles, className = "") {
  return [
    element("h3", {}, title),
    element("ul", { className: "legend-list" }, ...styles.map((style) => element("li", {}, swatchOf(style, className), element("span", {}, style.text)))),
  ];
}

/**
 * A short piece of a line.
 * @param {Style} style
 */
export function swatchOf({ colour, width = 1, dashes }, className = "") {
  const swatch = element("i", { className: `${className} ${colour ? "" : "each-cell"}`, "aria-hidden": "true" });
  const line = element("b");
  const kind = !dashes ? "solid" : dashes[0] > 2 ? "dashed" : "dotted";
  line.style.borderTop = `${Math.max(2, Math.round(width))}px ${kind} ${colour?.startsWith("--") ? `var(${colour})` : colour ?? "transparent"}`;
  swatch.append(line);
  return swatch;
}
