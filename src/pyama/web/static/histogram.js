// A histogram on a canvas: the share of the cells of each sample in common bins.

import { number, themeColors, ticks } from "./plot.js";

const MARGIN = { left: 60, right: 16, top: 14, bottom: 44 };

// Draws what the server sent: `edges` of the bins, and `shares` (%) and `color` of each sample.
export function drawHistogram(canvas, { edges, samples }, label) {
  const context = canvas.getContext("2d");
  context.clearRect(0, 0, canvas.width, canvas.height);
  const [low, high] = [edges[0], edges.at(-1)];
  const most = Math.max(1, ...samples.flatMap(({ shares }) => shares));
  const [width, height] = [canvas.width - MARGIN.left - MARGIN.right, canvas.height - MARGIN.top - MARGIN.bottom];
  const x = (value) => MARGIN.left + ((value - low) / (high - low)) * width;
  const y = (share) => canvas.height - MARGIN.bottom - (share / most) * height;
  const [soft, grid] = themeColors(canvas, "--soft", "--grid");
  Object.assign(context, { font: "13px system-ui, sans-serif", fillStyle: soft, strokeStyle: grid, textAlign: "center", textBaseline: "top" });
  for (const value of ticks(low, high, 8)) context.fillText(number(value), x(value), y(0) + 6);
  context.fillText(label, canvas.width / 2, canvas.height - 18);
  context.textAlign = "right";
  context.textBaseline = "middle";
  for (const share of ticks(0, most, 5)) {
    context.fillText(number(share), MARGIN.left - 6, y(share));
    context.beginPath();
    context.moveTo(MARGIN.left, y(share));
    context.lineTo(canvas.width - MARGIN.right, y(share));
    context.stroke();
  }
  upwards(context, "cells (%)", 14, y(most / 2));
  for (const { shares, color } of samples) steps(context, edges.map(x), shares.map(y), y(0), color);
}

function upwards(context, text, x, y) {
  context.save();
  context.translate(x, y);
  context.rotate(-Math.PI / 2);
  context.textAlign = "center";
  context.fillText(text, 0, 0);
  context.restore();
}

function steps(context, edges, tops, ground, color) {
  const path = new Path2D();
  path.moveTo(edges[0], ground);
  tops.forEach((top, k) => { path.lineTo(edges[k], top); path.lineTo(edges[k + 1], top); });
  path.lineTo(edges.at(-1), ground);
  Object.assign(context, { strokeStyle: color, fillStyle: `${color}30`, lineWidth: 1.5 });
  context.fill(path);
  context.stroke(path);
}
