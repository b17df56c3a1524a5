// A histogram on a canvas: the share of the cells of each sample in common bins.

import { themeColour } from "./colours.js";
import { contextOf } from "./elements.js";
import { axisTicks, formatNumber } from "./numbers.js";
import { writeUpwards } from "./trace_plot.js";

const MARGIN = { left: 60, right: 16, top: 14, bottom: 44 };

/**
 * @param {HTMLCanvasElement} canvas
 * @param {Pick<Api.Distribution, "edges" | "samples">} distribution
 * @param {string} title Of the axis of values.
 */
export function drawHistogram(canvas, { edges, samples }, title) {
  const context = contextOf(canvas);
  context.clearRect(0, 0, canvas.width, canvas.height);
  const [low, high] = [edges[0], edges[edges.length - 1]];
  const most = Math.max(1, ...samples.flatMap(({ shares }) => shares));
  const [right, bottom] = [canvas.width - MARGIN.right, canvas.height - MARGIN.bottom];
  const x = (/** @type {number} */ value) => MARGIN.left + ((value - low) / (high - low)) * (right - MARGIN.left);
  const y = (/** @type {number} */ share) => bottom - (share / most) * (bottom - MARGIN.top);
  Object.assign(context, { fillStyle: themeColour(canvas, "--soft"), strokeStyle: themeColour(canvas, "--grid") });
  Object.assign(context, { font: "13px system-ui, sans-serif", textAlign: "center", textBaseline: "top" });
  for (const value of axisTicks(low, high, 8)) context.fillText(formatNumber(value), x(value), bottom + 6);
  context.fillText(title, canvas.width / 2, canvas.height - 18);
  Object.assign(context, { textAlign: "right", textBaseline: "middle" });
  context.beginPath();
  for (const share of axisTicks(0, most, 5)) {
    context.fillText(formatNumber(share), MARGIN.left - 6, y(share));
    context.moveTo(MARGIN.left, y(share));
    context.lineTo(right, y(share));
  }
  context.stroke();
  writeUpwards(context, "cells (%)", 14, y(most / 2));
  for (const { shares, color } of samples) drawSteps(context, edges.map(x), shares.map(y), bottom, color);
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Array<number>} edges
 * @param {Array<number>} tops
 * @param {number} ground
 * @param {string} colour
 */
function drawSteps(context, edges, tops, ground, colour) {
  const path = new Path2D();
  path.moveTo(edges[0], ground);
  tops.forEach((top, k) => { path.lineTo(edges[k], top); path.lineTo(edges[k + 1], top); });
  path.lineTo(edges[edges.length - 1], ground);
  Object.assign(context, { strokeStyle: colour, fillStyle: `${colour}30`, lineWidth: 1.5 });
  context.fill(path);
  context.stroke(path);
}
