// Samples, merging, fits, and how the fitted numbers are distributed.

import { address, element, fill, find, get, latest, post, say, showingErrors } from "./api.js";
import { drawHistogram } from "./histogram.js";
import { number } from "./plot.js";
import { state } from "./state.js";

const shown = { dir: null, fits: [] };
const query = () => ({ dir: state.dir });
const card = (title, ...children) => element("section", { className: "card", "aria-label": title }, element("h2", {}, title), ...children);

export async function open() {
  if (!state.dir) {
    find("analysis").replaceChildren(element("p", {}, "Choose a folder of results first."));
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
  find("analysis").replaceChildren(element("div", { className: "columns" },
    element("div", {},
      card("1 · Samples",
        element("p", {}, "Which fields of view (FOVs) belong to which sample? Ranges such as 0-3 include their end."),
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
      card("Tables",
        element("p", { id: "no-tables", hidden: true }, "No table yet. Merge the samples first."),
        element("ul", { id: "tables" }),
        element("button", { id: "set-aside", hidden: true, onclick: setAside }, "Move tables of earlier samples to superseded"),
        element("ul", { id: "table-remarks", "aria-label": "Remarks" })),
      card("Report",
        element("p", {}, "One HTML file with traces, fits, statistics, images, quality and settings. It needs no network connection, so you can send it to others."),
        element("p", {},
          element("button", { id: "report-make", className: "main", onclick: report }, "Write the report"), " ",
          element("a", { id: "report-open", target: "_blank", rel: "noopener", hidden: true }, "Open the report")))),
    element("div", {},
      card("3 · Distributions",
        element("p", { id: "no-fits", hidden: true }, "No fit yet. Merge the samples, then fit them."),
        element("div", { id: "distribution", className: "bar" },
          element("label", {}, "Fit ", element("select", { id: "shown-fit", onchange: showingErrors(parameters) })),
          element("label", {}, "Parameter ", element("select", { id: "parameter", onchange: showingErrors(draw) }))),
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

const merge = showingErrors(async () => {
  const { dir } = state;
  const samples = {};
  for (const row of find("samples").children) {
    const [name, fovs] = [...row.querySelectorAll("input")].map(({ value }) => value.trim());
    if (name in samples) throw new Error(`There are two samples named ${name}. Give each sample its own name.`);
    if (name) samples[name] = fovs;
  }
  const tables = await post("merge", { dir }, { samples });
  if (dir === state.dir) await list(tables);
  say("Merged. Rows that are marked as bad were left out.");
});

const setAside = showingErrors(async () => {
  const { dir } = state;
  const tables = await post("tables/set-aside", { dir });
  if (dir === state.dir) await list(tables);
  say("Moved the tables of earlier samples to the folder superseded.");
});

const report = showingErrors(async () => {
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

async function list({ merged, fitted, earlier, report: hasReport, remarks }) {
  find("table-remarks").replaceChildren(...remarks.map((text) => element("li", {}, text)));
  find("report-open").hidden = !hasReport;
  find("report-open").href = address("report", query());
  find("tables").replaceChildren(...[...merged, ...fitted].map((name) => element("li", {}, name)),
    ...earlier.map((name) => element("li", {}, name, element("span", { className: "soft" }, " (earlier samples)"))));
  find("no-tables").hidden = merged.length + fitted.length + earlier.length > 0;
  find("set-aside").hidden = !earlier.length;
  if (merged.length) {
    const { columns } = await get("merged", { ...query(), table: merged[0] });
    const wanted = columns.find((name) => name.startsWith("intensity_total"));
    fill(find("fit-column"), columns.map((name) => [name, name]), find("fit-column").value || wanted);
  }
  shown.merged = merged;
  find("fit").disabled = !merged.length;
  shown.fits = await Promise.all(fitted.map((table) => get("fits", { ...query(), table })));
  const kinds = [...new Set(shown.fits.map(kindOf))];
  fill(find("shown-fit"), kinds.map((kind) => [kind, kind]), find("shown-fit").value || kinds[0]);
  find("no-fits").hidden = kinds.length > 0;
  find("distribution").hidden = !kinds.length;
  await parameters();
}

const fit = showingErrors(async () => {
  find("fit").disabled = true;
  say("Fitting …");
  const { dir } = state;
  try {
    const options = { model: find("fit-model").value, column: find("fit-column").value };
    const fits = [];
    for (const table of [...shown.merged]) fits.push(await post("fits", { dir }, { ...options, table }));
    if (dir !== state.dir) return;
    fill(find("shown-fit"), fits.slice(0, 1).map((made) => [kindOf(made), kindOf(made)]), kindOf(fits[0]));
    await list(await get("tables", { dir }));
    say(`Fitted ${fits.reduce((n, { cells }) => n + cells, 0)} cells.`);
  } finally {
    find("fit").disabled = false;
  }
});

const kindOf = ({ model, column }) => `${model}, ${column}`;
const shownFits = () => shown.fits.filter((fit) => kindOf(fit) === find("shown-fit").value);

async function parameters() {
  const names = [...new Set(shownFits().flatMap(({ units }) => Object.keys(units)))];
  const units = Object.assign({}, ...shownFits().map(({ units: own }) => own));
  fill(find("parameter"), names.map((name) => [name, units[name] ? `${name} (${units[name]})` : name]), find("parameter").value || (names.includes("r_squared") ? "r_squared" : names[0]));
  await draw();
}

const drawing = latest();

// Histogram, medians and quartiles are computed by the server, as for the report and the figures.
async function draw() {
  const isLast = drawing();
  const { dir } = state;
  const [name, tables] = [find("parameter").value, shownFits().map(({ table }) => table)];
  const distribution = name && tables.length ? await post("distribution", { dir }, { tables, name }) : null;
  if (!isLast() || dir !== state.dir) return;
  find("histogram").hidden = !distribution;
  find("summary").replaceChildren();
  if (!distribution) return;
  const { unit, not_shown: notShown, samples } = distribution;
  drawHistogram(find("histogram"), distribution, [unit ? `${name} (${unit})` : name, notShown].filter(Boolean).join("; "));
  find("summary").append(element("tr", {}, ...["sample", "cells", "median", "25–75 %"].map((text) => element("th", {}, text))));
  for (const { sample, color, n, q25, median, q75 } of samples) {
    const swatch = element("i", {}, "■ ");
    swatch.style.color = color;
    find("summary").append(element("tr", {}, element("td", {}, swatch, sample), element("td", { className: "n" }, n),
      element("td", { className: "n" }, n ? number(median) : "–"), element("td", { className: "n" }, n ? `${number(q25)} – ${number(q75)}` : "–")));
  }
}
