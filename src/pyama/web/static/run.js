// Runs: choose a recording, set parameters, try them on a frame, plan, start, watch, cancel, resume.

import { address, checked, element, fill, find, get, latest, post, say, showingErrors } from "./api.js";
import { groups, params } from "./form.js";
import { number } from "./plot.js";

const form = { file: null, recording: null, schema: null, run: null, source: null, trial: null };
let openResults = () => {};

export async function open(whenFinished) {
  openResults = whenFinished;
  if (form.schema) return;
  form.schema = await get("schema");
  find("run").replaceChildren(element("div", { className: "columns" },
    element("div", {}, picker(), settings()),
    element("div", {}, imageCard(), progressCard())));
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

const browsing = latest();
const browse = showingErrors(async (dir) => {
  const isLast = browsing();
  const { folders, files, dir: place } = await get("files", { dir });
  if (!isLast()) return;
  const join = (name) => (place === "." ? name : `${place}/${name}`);
  find("run-place").textContent = place === "." ? "In the root folder" : `In ${place}`;
  const up = place === "." ? [] : [[place.includes("/") ? place.replace(/\/[^/]*$/, "") : ".", "↑ up"]];
  fill(find("run-folder"), [[place, "(this folder)"], ...up, ...folders.map((name) => [join(name), name])], place);
  fill(find("run-file"), [["", files.length ? "choose …" : "no recordings here"], ...files.map((name) => [join(name), name])], "");
});

const choosing = latest();
const chooseFile = showingErrors(async (file) => {
  const isLast = choosing();
  find("run-settings").disabled = true; // until the file has been read
  Object.assign(form, { file: null, trial: null });
  find("run-facts").textContent = file ? "reading …" : "";
  let r = null;
  try {
    r = file ? await get("recording", { file }) : null;
  } finally {
    if (isLast()) find("run-facts").textContent = "";
  }
  if (!isLast()) return;
  form.file = file || null;
  find("run-facts").textContent = r
    ? `${r.format}: ${r.n_fovs} FOVs, ${r.n_frames} frames, ${r.shapes[0].join(" × ")} px, ${r.pixel_size_um ? `${number(r.pixel_size_um)} µm per px` : "size of a pixel unknown"}, ${r.time}${r.problems.length ? `. ${r.problems.join(" ")}` : ""}`
    : "";
  find("run-settings").disabled = !r;
  if (!r) return;
  const options = r.channels.map((name, i) => [i, `${i} · ${name}`]);
  const { pc, fl } = r.proposed ?? { pc: "", fl: [] };
  fill(find("run-pc"), [["", r.proposed ? "none" : "choose …"], ...options], pc);
  find("run-fl").replaceChildren(...options.map(([value, text]) => element("label", { className: "check" },
    element("input", { type: "checkbox", value, checked: fl.includes(value) }), text)));
  find("run-question").textContent = r.question;
  find("run-question").hidden = !r.question;
  find("run-output").value = `${file.replace(/(\.ome)?\.[^./]*$/, "")}_results`;
  fill(find("image-fov"), Array.from({ length: r.n_fovs }, (_, i) => [i, `${i}${r.positions[i] ? ` · ${r.positions[i]}` : ""}`]), 0);
  find("image-frame").max = r.n_frames - 1;
  fill(find("image-channel"), options, pc === "" ? 0 : pc);
  await showImage();
});

function settings() {
  return element("fieldset", { id: "run-settings", className: "card", disabled: true },
    element("legend", {}, "2 · Settings"),
    element("pre", { id: "run-question", hidden: true, role: "status" }),
    element("div", { className: "form" },
      element("label", { htmlFor: "run-pc" }, "Phase contrast"), element("select", { id: "run-pc" }),
      element("span", {}, "Fluorescence"), element("span", { id: "run-fl", role: "group", "aria-label": "Fluorescence" }),
      element("label", { htmlFor: "run-output" }, "Output folder"), element("input", { id: "run-output", type: "text" }),
      element("label", { htmlFor: "run-fovs" }, "FOVs"), element("input", { id: "run-fovs", type: "text", placeholder: "all, or such as 0-3, 7" }),
      element("label", { htmlFor: "run-frames" }, "Frames"), element("input", { id: "run-frames", type: "text", placeholder: "all, or such as 0-59, or 0-178:3 for every third" })),
    element("p", {},
      element("button", { id: "run-start", className: "main", onclick: start }, "Start"), " ",
      element("button", { id: "run-try", onclick: tryOut }, "Try on this frame"), " ",
      element("button", { id: "run-plan", onclick: plan }, "Plan")),
    element("pre", { id: "run-plan-lines", hidden: true, tabIndex: 0, role: "region", "aria-label": "What a run would do" }),
    ...groups(form.schema));
}

function imageCard() {
  return card("Image",
    element("div", { className: "bar" },
      element("label", {}, "FOV ", element("select", { id: "image-fov", onchange: () => showImage() })),
      element("label", {}, "Frame ", element("input", { id: "image-frame", type: "number", min: 0, value: 0, onchange: () => showImage() })),
      element("label", {}, "Channel ", element("select", { id: "image-channel", onchange: () => showImage() })),
      element("output", { id: "image-cells" })),
    element("canvas", { id: "image-canvas", width: 10, height: 10, role: "img", "aria-label": "Image of the recording" }));
}

const loading = latest();
const showImage = showingErrors(async () => {
  if (!form.file) return;
  const isLast = loading();
  const query = { file: form.file, fov: find("image-fov").value, frame: find("image-frame").value, channel: find("image-channel").value };
  const answer = await checked(await fetch(address("recording/frame", query)));
  const bitmap = await createImageBitmap(await answer.blob());
  if (!isLast()) return;
  form.bitmap = bitmap;
  if (form.trial) await tryOut();
  else paint();
});

function paint() {
  const canvas = find("image-canvas");
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

const trying = latest();
const tryOut = showingErrors(async () => {
  const isLast = trying();
  const { channels, params } = chosen();
  find("image-cells").textContent = "finding cells …";
  let found = null;
  try {
    found = await post("recording/segmentation", {}, { file: form.file, fov: Number(find("image-fov").value),
      frame: Number(find("image-frame").value), channels, params });
  } finally {
    if (isLast()) find("image-cells").textContent = "";
  }
  if (!isLast()) return;
  form.trial = found;
  find("image-cells").textContent = `${found.cells} cells`;
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
  return { channels, params: params() };
}

function request() {
  const { channels, params } = chosen();
  const frames = find("run-frames").value.trim();
  return { file: form.file, output: find("run-output").value, channels, params: frames ? { ...params, frames } : params,
    fovs: find("run-fovs").value.trim() || null };
}

// The server asks (428) before it replaces results that somebody has inspected.
async function begin(wanted) {
  try {
    return await post("runs", {}, wanted);
  } catch (error) {
    if (error.status !== 428 || !confirm(error.message)) throw error;
    return post("runs", {}, { ...wanted, redo: true });
  }
}

const start = showingErrors(async () => {
  find("run-start").disabled = true; // a second click must not start a second run
  try {
    watch(await begin(request()));
    say(""); // the card Progress shows the rest
  } finally {
    find("run-start").disabled = false;
  }
});

const plan = showingErrors(async () => {
  const { command, notes, lines } = await post("runs/plan", {}, request());
  find("run-plan-lines").hidden = false;
  find("run-plan-lines").textContent = [...notes.map((note) => `Note: ${note}`), ...lines].join("\n");
  showCommand(command);
});

function showCommand(command) {
  find("run-command").hidden = find("run-copy").hidden = false;
  find("run-command").textContent = command;
}

const copy = showingErrors(async () => {
  const text = find("run-command").textContent;
  if (navigator.clipboard) await navigator.clipboard.writeText(text);
  else { // only pages of this machine and encrypted ones may use it
    getSelection().selectAllChildren(find("run-command"));
    document.execCommand("copy");
  }
  say("Copied");
});

function progressCard() {
  return card("3 · Progress",
    element("p", { id: "run-status", role: "status" }, "No run yet."),
    element("pre", { id: "run-summary", hidden: true, tabIndex: 0, role: "region", "aria-label": "What the run has done" }),
    element("progress", { id: "run-bar", max: 1, value: 0, hidden: true, "aria-label": "Progress of the run" }),
    element("p", {},
      element("button", { id: "run-cancel", disabled: true, onclick: showingErrors(async () => show(await post(`runs/${form.run.id}/cancel`))) }, "Cancel"), " ",
      element("button", { id: "run-resume", disabled: true, onclick: showingErrors(async () => watch(await begin(form.run.request))) }, "Resume"), " ",
      element("button", { id: "run-results", disabled: true, onclick: () => openResults(form.run.request.output) }, "Show the results")),
    element("pre", { id: "run-command", hidden: true, tabIndex: 0, role: "region", "aria-label": "The same run as a command" }),
    element("p", {}, element("button", { id: "run-copy", hidden: true, onclick: copy }, "Copy the command")),
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

function show(run) {
  form.run = run;
  const running = run.status === "running";
  if (!running) form.source?.close();
  const status = running ? `Running: ${run.progress}` : `${run.status[0].toUpperCase()}${run.status.slice(1)}`;
  find("run-status").textContent = `${status}. ${run.message}`;
  find("run-summary").textContent = run.summary.join("\n");
  find("run-summary").hidden = !run.summary.length;
  find("run-status").classList.toggle("bad", run.status === "failed");
  find("run-bar").hidden = false;
  find("run-bar").value = run.fraction;
  find("run-cancel").disabled = !running;
  find("run-resume").disabled = running || run.status === "finished";
  find("run-results").disabled = running;
  showCommand(run.command);
  const fovs = Object.entries(run.fovs);
  find("run-fov-list").replaceChildren(...fovs.slice(0, 50).map(([fov, at]) => element("tr", {}, element("td", {}, `FOV ${fov}`), element("td", {}, at))));
  find("run-log").textContent = run.log.join("\n");
}
