// Samples, merge, fits and their histograms.

import { address, element, fill, find, get, post, say, told } from "./api.js";
import { hue, number, ticks } from "./plot.js";
import { state } from "./state.js";

const shown = { dir: null, fits: [] };
const query = () => ({ dir: state.dir });
const card = (title, ...children) => element("section", { className: "card", "aria-label": title }, element("h2", {}, title), ...children);

export async function open() {
  if (!state.dir) {
    find("answers").replaceChildren(element("p", {}, "Choose results first."));
    return;
  }
  const { dir } = state;
  const [{ samples }, models, tables] = await Promise.all([get("samples", query()), get("models"), get("tables", query())]);
  if (dir !== state.dir) return;
  if (shown.dir !== dir) {
    build();
    shown.dir = dir;
    for (const [name, fovs] of Object.entries(samples)) addSample(name, fovs);
    fill(find("fit-model"), models.map((name) => [name, name]), "maturation");
  }
  await list(tables);
}

function build() {
  shown.fits = [];
  find("answers").replaceChildren(element("div", { className: "columns" },
    element("div", {},
      card("1 · Samples",
        element("p", {}, "Which FOVs are which sample? Ranges include their end."),
        element("table", {},
          element("thead", {}, element("tr", {}, element("th", {}, "sample"), element("th", {}, "FOVs"), element("td"))),
          element("tbody", { id: "samples" })),
        element("p", {},
          element("button", { id: "sample-add", onclick: () => addSample("", "") }, "Add a sample"), " ",
          element("button", { id: "merge", className: "main", onclick: merge }, "Merge"))),
      card("2 · Fit",
        element("div", { className: "form" },
          element("label", { htmlFor: "fit-model" }, "Model"), element("select", { id: "fit-model" }),
          element("label", { htmlFor: "fit-column" }, "Column"), element("select", { id: "fit-column" })),
        element("p", {}, element("button", { id: "fit", className: "main", disabled: true, onclick: fit }, "Fit all samples"))),
      card("Tables", element("ul", { id: "tables" })),
      card("Report",
        element("p", {}, "One page with everything: traces, fits, statistics, pictures, quality and settings. It works without a network, so it can be sent to others."),
        element("p", {},
          element("button", { id: "report-make", className: "main", onclick: report }, "Write the report"), " ",
          element("a", { id: "report-open", target: "_blank", rel: "noopener", hidden: true }, "Open the report")))),
    element("div", {},
      card("3 · Distributions",
        element("div", { className: "bar" }, element("label", {}, "Parameter ", element("select", { id: "parameter", onchange: draw }))),
        element("canvas", { id: "histogram", width: 900, height: 420, role: "img", "aria-label": "Histogram of the fits" }),
        element("table", {}, element("tbody", { id: "summary" }))))));
}

function addSample(name, fovs) {
  const row = element("tr", {},
    element("td", {}, element("input", { type: "text", value: name, "aria-label": "Name of the sample" })),
    element("td", {}, element("input", { type: "text", value: fovs, "aria-label": "FOVs of the sample" })),
    element("td", {}, element("button", { "aria-label": "Remove the sample", onclick: () => row.remove() }, "×")));
  find("samples").append(row);
}

const merge = told(async () => {
  const { dir } = state;
  const samples = {};
  for (const row of find("samples").children) {
    const [name, fovs] = [...row.querySelectorAll("input")].map(({ value }) => value.trim());
    if (name in samples) throw new Error(`The sample ${name} is there twice.`);
    if (name) samples[name] = fovs;
  }
  const found = await post("merge", { dir }, { samples });
  if (dir === state.dir) await list(found);
  say("Merged: cells that are not good were left out.");
});

const report = told(async () => {
  find("report-make").disabled = true;
  say("Writing the report …");
  const { dir } = state;
  try {
    const { name, kilobytes } = await post("report", { dir });
    if (dir === state.dir) await list(await get("tables", { dir }));
    say(`Wrote ${name} (${number(kilobytes / 1000)} MB).`);
  } finally {
    find("report-make").disabled = false;
  }
});

async function list({ merged, fitted, report: hasReport }) {
  find("report-open").hidden = !hasReport;
  find("report-open").href = address("report", query());
  find("tables").replaceChildren(...[...merged, ...fitted].map((name) => element("li", {}, name)));
  if (merged.length) {
    const { columns } = await get("merged", { ...query(), table: merged[0] });
    const wanted = columns.find((name) => name.startsWith("intensity_total"));
    fill(find("fit-column"), columns.map((name) => [name, name]), find("fit-column").value || wanted);
  }
  shown.merged = merged;
  find("fit").disabled = !merged.length;
  if (!shown.fits.length) shown.fits = await Promise.all(fitted.map((table) => get("fits", { ...query(), table })));
  parameters();
}

const fit = told(async () => {
  find("fit").disabled = true;
  say("Fitting …");
  const { dir } = state;
  try {
    const order = { model: find("fit-model").value, column: find("fit-column").value };
    const fits = [];
    for (const table of [...shown.merged]) fits.push(await post("fits", { dir }, { ...order, table }));
    if (dir !== state.dir) return;
    shown.fits = fits;
    await list(await get("tables", { dir }));
    say(`Fitted ${fits.reduce((n, { cells }) => n + cells.length, 0)} cells.`);
  } finally {
    find("fit").disabled = false;
  }
});

function parameters() {
  const names = [...new Set(shown.fits.flatMap(({ values }) => Object.keys(values)))];
  const units = Object.assign({}, ...shown.fits.map(({ units: own }) => own));
  fill(find("parameter"), names.map((name) => [name, units[name] ? `${name} (${units[name]})` : name]), find("parameter").value || (names.includes("r_squared") ? "r_squared" : names[0]));
  draw();
}

function draw() {
  const canvas = find("histogram");
  const context = canvas.getContext("2d");
  context.clearRect(0, 0, canvas.width, canvas.height);
  const name = find("parameter").value;
  const samples = shown.fits.map(({ sample, values }) => ({ sample, values: (values[name] ?? []).filter((v) => v !== null) }));
  const all = samples.flatMap(({ values }) => values).sort((a, b) => a - b);
  find("summary").replaceChildren();
  if (!all.length) return;
  // The farthest percent on each side would squeeze all others into one bar.
  let [low, high] = [all[Math.floor(all.length * 0.01)], all[Math.ceil(all.length * 0.99) - 1]];
  if (low === high) [low, high] = [low - 0.5, high + 0.5];
  const n = Math.max(5, Math.min(40, Math.ceil(Math.sqrt(all.length) * 1.5)));
  const [left, right, top, bottom] = [60, 16, 14, 44];
  const x = (v) => left + ((v - low) / (high - low)) * (canvas.width - left - right);
  const bars = samples.map(({ values }) => {
    const count = new Array(n).fill(0);
    for (const v of values) if (v >= low && v <= high) count[Math.min(n - 1, Math.floor(((v - low) / (high - low)) * n))]++;
    return count;
  });
  const most = Math.max(1, ...bars.flat());
  const y = (c) => canvas.height - bottom - (c / most) * (canvas.height - top - bottom);
  Object.assign(context, { font: "13px system-ui, sans-serif", fillStyle: "#5a6672", strokeStyle: "#e4e8e6", textAlign: "center", textBaseline: "top" });
  for (const v of ticks(low, high, 8)) context.fillText(number(v), x(v), canvas.height - bottom + 6);
  context.fillText(find("parameter").selectedOptions[0].textContent, canvas.width / 2, canvas.height - 18);
  context.textAlign = "right";
  context.textBaseline = "middle";
  for (const c of ticks(0, most, 5).filter((c) => Number.isInteger(c))) {
    context.fillText(c, left - 6, y(c));
    context.beginPath();
    context.moveTo(left, y(c));
    context.lineTo(canvas.width - right, y(c));
    context.stroke();
  }
  bars.forEach((count, i) => {
    context.fillStyle = `hsl(${hue(i + 1)} 55% 45% / 0.6)`;
    count.forEach((c, k) => context.fillRect(x(low + ((high - low) * k) / n) + 1, y(c), (x(high) - x(low)) / n - 2, y(0) - y(c)));
  });
  find("summary").append(element("tr", {}, ...["sample", "cells", "median", "25–75 %"].map((text) => element("th", {}, text))));
  samples.forEach(({ sample, values }, i) => {
    const sorted = [...values].sort((a, b) => a - b);
    const at = (q) => number(sorted[Math.floor((sorted.length - 1) * q)] ?? NaN);
    const swatch = element("i", {}, "■ ");
    swatch.style.color = `hsl(${hue(i + 1)} 55% 45%)`;
    find("summary").append(element("tr", {}, element("td", {}, swatch, sample), element("td", { className: "n" }, values.length),
      element("td", { className: "n" }, sorted.length ? at(0.5) : "–"), element("td", { className: "n" }, sorted.length ? `${at(0.25)} – ${at(0.75)}` : "–")));
  });
}
