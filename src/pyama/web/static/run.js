// Runs: choose a recording, look at it, set parameters, try them, start, watch, cancel, resume.

import { address, checked, element, fill, find, get, post, say, told } from "./api.js";
import { number } from "./plot.js";

const form = { file: null, recording: null, schema: null, fields: new Map(), run: null, source: null, trial: null };
let openResults = () => {};

export async function open(whenFinished) {
  openResults = whenFinished;
  if (form.schema) return;
  form.schema = await get("schema");
  find("run").replaceChildren(element("div", { className: "columns" },
    element("div", {}, picker(), settings()),
    element("div", {}, lookCard(), progressCard())));
  await browse(".");
  const runs = await get("runs");
  if (runs.length) watch(runs.at(-1));
}

const card = (title, ...children) => element("section", { className: "card", "aria-label": title }, element("h2", {}, title), ...children);

function picker() {
  return card("1 · Recording",
    element("p", { id: "run-place" }),
    element("label", {}, "Folder ", element("select", { id: "run-folder", onchange: (event) => browse(event.target.value) })),
    element("p", {}),
    element("label", {}, "File ", element("select", { id: "run-file", onchange: (event) => chooseFile(event.target.value) })),
    element("p", { id: "run-facts" }));
}

const browse = told(async (dir) => {
  const { folders, files, dir: place } = await get("files", { dir });
  const join = (name) => (place === "." ? name : `${place}/${name}`);
  find("run-place").textContent = place === "." ? "In the root folder" : `In ${place}`;
  const up = place === "." ? [] : [[place.includes("/") ? place.replace(/\/[^/]*$/, "") : ".", "↑ up"]];
  fill(find("run-folder"), [[place, "(stay here)"], ...up, ...folders.map((name) => [join(name), name])], place);
  fill(find("run-file"), [["", files.length ? "choose …" : "no recordings here"], ...files.map((name) => [join(name), name])], "");
});

const chooseFile = told(async (file) => {
  form.file = file || null;
  form.recording = file ? await get("recording", { file }) : null;
  const r = form.recording;
  find("run-facts").textContent = r
    ? `${r.format}: ${r.n_fovs} FOVs, ${r.n_frames} frames, ${r.shapes[0].join(" × ")} px, ${r.pixel_size_um ? `${number(r.pixel_size_um)} µm per px` : "size of a pixel unknown"}${r.problems.length ? `. ${r.problems.join(" ")}` : ""}`
    : "";
  find("run-settings").disabled = !r;
  if (!r) return;
  const options = r.channels.map((name, i) => [i, `${i} · ${name}`]);
  const phase = Math.max(0, r.channels.findIndex((name) => /phase|ph\b|phc|bright|dic|trans|bf/i.test(name)));
  fill(find("run-pc"), [["", "none"], ...options], phase);
  find("run-fl").replaceChildren(...options.map(([value, text]) => element("label", { className: "check" },
    element("input", { type: "checkbox", value, checked: value !== phase }), text)));
  find("run-output").value = `${file.replace(/(\.ome)?\.[^./]*$/, "")}_results`;
  fill(find("look-fov"), Array.from({ length: r.n_fovs }, (_, i) => [i, `${i}${r.positions[i] ? ` · ${r.positions[i]}` : ""}`]), 0);
  find("look-frame").max = r.n_frames - 1;
  fill(find("look-channel"), options, phase);
  form.trial = null;
  await look();
});

// What the schema says of one parameter, as an input with its unit, bounds and help.
function field(name, schema) {
  const parts = schema.anyOf ?? [schema];
  const main = parts.find(({ type }) => type === "integer" || type === "number") ?? parts.find(({ type }) => type !== "null") ?? schema;
  const id = `p-${name}`;
  const standard = schema.default;
  const choices = { segmentation_method: form.schema.methods.segmentation, tracking_method: form.schema.methods.tracking }[name];
  let input;
  let read;
  if (choices) {
    input = element("select", { id });
    fill(input, choices.map((choice) => [choice, choice]), standard);
    read = () => input.value;
  } else if (main.type === "boolean") {
    input = element("input", { id, type: "checkbox", checked: standard === true });
    read = () => input.checked;
  } else if ((main.type === "integer" || main.type === "number") && parts.length <= 2) {
    const [least, most] = [main.minimum ?? main.exclusiveMinimum, main.maximum];
    input = element("input", { id, type: "number", step: main.type === "integer" ? 1 : "any", value: standard ?? "" });
    if (least !== undefined) input.min = least;
    if (most !== undefined && most < 2 ** 31 - 1) input.max = most;
    input.placeholder = standard === null || standard === undefined ? "automatic" : "";
    read = () => (input.value === "" ? (parts.some(({ type }) => type === "null") ? null : undefined) : Number(input.value));
  } else if (main.type === "string" || parts.some(({ const: fixed, enum: names }) => fixed || names)) {
    input = element("input", { id, type: "text", value: standard ?? "" });
    read = () => (/^\d+$/.test(input.value) ? Number(input.value) : input.value);
  } else return null;
  const unit = schema.unit ?? main.unit ?? parts.find((part) => part.unit)?.unit;
  const bounds = input.type === "number" ? [input.min !== "" ? `from ${input.min}` : "", input.max !== "" ? `to ${input.max}` : ""].filter(Boolean).join(" ") : "";
  input.setAttribute("aria-describedby", `${id}-help`);
  form.fields.set(name, { input, read, standard });
  return [
    element("label", { htmlFor: id }, name.replaceAll("_", " ")), input,
    element("span", { className: "help", id: `${id}-help` }, [(schema.description ?? "").replaceAll("`", ""), unit && unit !== "1" ? `Unit: ${unit}.` : "", bounds ? `Allowed: ${bounds}.` : ""].filter(Boolean).join(" ")),
  ];
}

const GROUPS = [
  ["Finding cells", /^(segmentation_method|logstd|morph|closing|erosion|min_object|max_object|split_h|z$)/],
  ["Following cells", /^(tracking_method|min_iou|max_gap|min_size|max_size|divisions)/],
  ["Background", /^(tile_|background_)/],
  ["Traces", /^(min_frames|border_margin)/],
  ["Time and computer", /^(frame_interval|n_workers|batch_size|seed|copy_only)/],
  ["Others", /^(?!plugins|preprocessors|features|time_mapping)/],
];

function settings() {
  const properties = { ...form.schema.$defs.ProcessingParams.properties };
  const groups = GROUPS.map(([title, pattern]) => {
    const rows = [];
    const names = Object.keys(properties).sort((a, b) => b.endsWith("_method") - a.endsWith("_method"));
    for (const name of names) {
      if (!pattern.test(name)) continue;
      const made = field(name, properties[name]);
      delete properties[name];
      if (made) rows.push(...made);
    }
    return rows.length ? element("details", {}, element("summary", {}, title), element("div", { className: "form" }, ...rows)) : "";
  });
  return element("fieldset", { id: "run-settings", className: "card", disabled: true },
    element("legend", {}, "2 · Settings"),
    element("div", { className: "form" },
      element("label", { htmlFor: "run-pc" }, "Phase contrast"), element("select", { id: "run-pc" }),
      element("span", {}, "Fluorescence"), element("span", { id: "run-fl", role: "group", "aria-label": "Fluorescence" }),
      element("label", { htmlFor: "run-output" }, "Output folder"), element("input", { id: "run-output", type: "text" }),
      element("label", { htmlFor: "run-fovs" }, "FOVs"), element("input", { id: "run-fovs", type: "text", placeholder: "all, or such as 0-3, 7" })),
    element("p", {},
      element("button", { id: "run-start", className: "main", onclick: start }, "Start"), " ",
      element("button", { id: "run-try", onclick: tryOut }, "Try on this frame")),
    ...groups);
}

function lookCard() {
  return card("First look",
    element("div", { className: "bar" },
      element("label", {}, "FOV ", element("select", { id: "look-fov", onchange: () => look() })),
      element("label", {}, "Frame ", element("input", { id: "look-frame", type: "number", min: 0, value: 0, onchange: () => look() })),
      element("label", {}, "Channel ", element("select", { id: "look-channel", onchange: () => look() })),
      element("output", { id: "look-found" })),
    element("canvas", { id: "look-image", width: 10, height: 10, role: "img", "aria-label": "First look at the recording" }));
}

let looked = 0;
const look = told(async () => {
  if (!form.file) return;
  const mine = ++looked;
  const query = { file: form.file, fov: find("look-fov").value, frame: find("look-frame").value, channel: find("look-channel").value };
  const answer = await checked(await fetch(address("recording/frame", query)));
  const bitmap = await createImageBitmap(await answer.blob());
  if (mine !== looked) return;
  form.bitmap = bitmap;
  if (form.trial) await tryOut();
  else paint();
});

function paint() {
  const canvas = find("look-image");
  const { bitmap, trial } = form;
  [canvas.width, canvas.height] = [bitmap.width, bitmap.height];
  const context = canvas.getContext("2d");
  context.drawImage(bitmap, 0, 0);
  if (!trial) return;
  context.scale(bitmap.width / trial.shape[1], bitmap.height / trial.shape[0]);
  context.strokeStyle = "#ffd24a";
  context.lineWidth = (1.5 * trial.shape[1]) / bitmap.width;
  for (const rings of Object.values(trial.outlines)) {
    context.beginPath();
    for (const ring of rings) {
      context.moveTo(ring[0], ring[1]);
      for (let i = 2; i < ring.length; i += 2) context.lineTo(ring[i], ring[i + 1]);
      context.closePath();
    }
    context.stroke();
  }
}

const tryOut = told(async () => {
  const { channels, params } = chosen();
  find("look-found").textContent = "looking for cells …";
  try {
    form.trial = await post("recording/segmentation", {}, { file: form.file, fov: Number(find("look-fov").value),
      frame: Number(find("look-frame").value), channels, params });
    find("look-found").textContent = `${form.trial.cells} cells`;
  } catch (error) {
    find("look-found").textContent = "";
    throw error;
  }
  say("");
  paint();
});

let later = null;
export function changed() {
  if (!form.trial) return;
  clearTimeout(later);
  later = setTimeout(tryOut, 300);
}

function chosen() {
  const pc = find("run-pc").value;
  const fl = [...find("run-fl").querySelectorAll("input")].filter((box) => box.checked && box.value !== pc);
  const channels = { pc: pc === "" ? null : { channel: Number(pc) }, fl: fl.map(({ value }) => ({ channel: Number(value) })) };
  const params = {};
  for (const [name, { read, standard }] of form.fields) {
    const value = read();
    if (value !== undefined && value !== (standard ?? null) && !(value === "" && standard === undefined)) params[name] = value;
  }
  return { channels, params };
}

function parseFovs(text) {
  if (!text.trim()) return null;
  return text.split(",").flatMap((part) => {
    const match = /^\s*(\d+)\s*(?:-\s*(\d+)\s*)?$/.exec(part);
    if (!match) throw new Error(`“${part.trim()}” is no FOV and no range such as 0-3.`);
    const [first, last] = [Number(match[1]), Number(match[2] ?? match[1])];
    if (last < first || last - first > 1e5) throw new Error(`The range ${part.trim()} runs backwards or is too long.`);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}

const start = told(async () => {
  const order = { file: form.file, output: find("run-output").value, ...chosen(), fovs: parseFovs(find("run-fovs").value) };
  watch(await post("runs", {}, order));
  say("Started");
});

function progressCard() {
  return card("3 · Progress",
    element("p", { id: "run-status", role: "status" }, "No run yet."),
    element("progress", { id: "run-bar", max: 1, value: 0, hidden: true, "aria-label": "Progress of the run" }),
    element("p", {},
      element("button", { id: "run-cancel", disabled: true, onclick: told(async () => show(await post(`runs/${form.run.id}/cancel`))) }, "Cancel"), " ",
      element("button", { id: "run-resume", disabled: true, onclick: told(async () => watch(await post("runs", {}, form.run.order))) }, "Resume"), " ",
      element("button", { id: "run-look", disabled: true, onclick: () => openResults(form.run.order.output) }, "Look at the results")),
    element("pre", { id: "run-command", hidden: true, "aria-label": "The same run as a command" }),
    element("table", {}, element("tbody", { id: "run-fov-list" })),
    element("details", {}, element("summary", {}, "Log"), element("pre", { id: "run-log" })));
}

function watch(run) {
  form.source?.close();
  show(run);
  if (run.status !== "running") return;
  form.source = new EventSource(`/api/runs/${run.id}/events`);
  form.source.onmessage = (event) => show(JSON.parse(event.data));
  form.source.onerror = () => { if (form.run.status !== "running") form.source.close(); };
}

const clock = (s) => (s >= 90 ? `${Math.round(s / 60)} min` : `${Math.round(s)} s`);

function show(run) {
  form.run = run;
  const running = run.status === "running";
  if (!running) form.source?.close();
  const left = run.seconds_left === null ? "" : `, about ${clock(run.seconds_left)} left`;
  find("run-status").textContent = running
    ? `Running: ${Math.round(100 * run.fraction)} %, ${run.frames_per_s} frames/s, ${clock(run.seconds)}${left}. ${run.message}`
    : `${run.status[0].toUpperCase()}${run.status.slice(1)} after ${clock(run.seconds)}. ${run.message}`;
  find("run-status").classList.toggle("bad", run.status === "failed");
  find("run-bar").hidden = false;
  find("run-bar").value = run.fraction;
  find("run-cancel").disabled = !running;
  find("run-resume").disabled = running || run.status === "finished";
  find("run-look").disabled = running;
  find("run-command").hidden = false;
  find("run-command").textContent = run.command;
  const fovs = Object.entries(run.fovs);
  find("run-fov-list").replaceChildren(...fovs.slice(0, 50).map(([fov, at]) => element("tr", {}, element("td", {}, `FOV ${fov}`), element("td", {}, at))));
  find("run-log").textContent = run.log.join("\n");
}
