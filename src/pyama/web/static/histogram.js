// A histogram: the share of the cells of each sample in common bins.

import { Chart } from "./chart.js";
import { sampleColour } from "./colours.js";
import { axisRange, formatNumber, formatTicks } from "./numbers.js";
import uPlot from "./vendor/uplot/uPlot.esm.js";

/** @typedef {Pick<Api.Distribution, "edges" | "samples">} Bins */

/**
 * @param {HTMLElement} place
 * @param {Bins} bins
 * @param {string} title Of the axis of values.
 */
export function makeHistogram(place, { edges, samples }, title) {
  const paths = uPlot.paths.stepped?.({ align: 1 });
  const most = Math.max(1, ...samples.flatMap(({ shares }) => shares));
  return new Chart(place, {
    series: samples.map(({ color }) => ({ stroke: () => sampleColour(color), fill: () => `${sampleColour(color)}30`, width: 1.5, paths, points: { show: false } })),
    titles: () => ({ x: title, y: "cells (%)" }),
    rangeX: axisRange(edges, 0),
    rangeY: () => [0, most * 1.05],
    readout: ({ cursor: { left = -1 }, posToVal }) => (left < 0 ? "" : describeBin({ edges, samples }, posToVal(left, "x"))),
  }, [[edges[0], ...edges], ...samples.map(({ shares }) => [0, ...shares, 0])]);
}

/**
 * Limits of the bin at a value, and the share of each sample in it.
 * @param {Bins} bins
 * @param {number} value
 */
export function describeBin({ edges, samples }, value) {
  const bin = Math.min(edges.findLastIndex((edge) => edge <= value), edges.length - 2);
  if (bin < 0) return "";
  const shares = samples.map(({ sample, shares }) => `${sample} ${formatNumber(shares[bin])} %`);
  const limits = [edges[bin], edges[bin + 1]];
  return `${formatTicks(limits, limits[1] - limits[0]).join(" – ")}: ${shares.join(", ")}`;
}
