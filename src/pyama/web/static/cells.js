// Cells, their traces, and the actions of an inspection.

import { address, element, fill, find, get, latest, post, say, showingErrors } from "./api.js";
import { Plot } from "./plot.js";
import * as stage from "./stage.js";
import { cellOf, index, isBad, state } from "./state.js";
import { enqueue } from "./queue.js";
import { watch } from "./watching.js";

const PER_PAGE = 20;
let plot;
const query = () => ({ dir: state.dir });
const there = (rest) => `fovs/${state.fov}/${rest}`;

export function setUp() {
  plot = new Plot(find("plot"), (cell, frame) => enqueue(() => { select(cell); stage.go(frame); }));
  find("column").addEventListener("change", showingErrors(async () => { state.column = find("column").value; await loadTraces(); }));
  find("fit-shown").addEventListener("change", showingErrors(async () => { state.fitModel = find("fit-shown").value; await loadFits(); }));
  find("cell").addEventListener("change", ({ target: { value } }) => enqueue(() => select(Number(value) || null)));
  find("other").addEventListener("change", ({ target: { value } }) => enqueue(() => { state.other = Number(value) || null; refresh(); }));
  find("all").addEventListener("change", refresh);
  find("page-back").addEventListener("click", () => turn(-1));
  find("page-on").addEventListener("click", () => turn(1));
  const buttons = { good: () => mark(true), bad: () => mark(false), join, swap, cut, delete: remove, undo, redo, "proposal-apply": apply, "proposal-cancel": cancel };
  for (const [id, action] of Object.entries(buttons)) find(id).addEventListener("click", () => enqueue(action));
  find("bad-from").addEventListener("click", () => { const { frame } = state; enqueue(() => mark(false, frame)); });
}

// Selects the cell at a click. Its label is looked up at once, its cell after earlier actions.
export function pick(clicked, isOther) {
  enqueue(async () => {
    const { label, frame } = await clicked;
    select(label === undefined ? null : cellOf(label, frame), isOther);
  });
}

export async function open() {
  Object.assign(state, { tracks: null, traces: null, parts: null, fits: null, cell: null, other: null, page: 0, proposal: null });
  state.byLabel.clear();
  state.byCell.clear();
  watch(null);
  refresh();
  const { details } = state;
  try {
    const tracks = await get(there("tracks"), query());
    if (details !== state.details) return;
    take(tracks);
    watch(address(there("events"), query()), ({ version }) => enqueue(() => update(details, version)));
  } catch (error) {
    if (details !== state.details) return;
    fill(find("column"), []);
    refresh();
    say(error.message);
    return;
  }
  const columns = state.tracks.columns;
  const wanted = columns.find(({ name }) => name === state.column) ?? columns.find(({ name }) => name.startsWith("intensity_total")) ?? columns[0];
  state.column = wanted?.name ?? null;
  const parts = state.dataset.fl.map((channel) => [`${PARTS}${channel}`, `raw, background, corrected (ch ${channel})`]);
  fill(find("column"), [...columns.map(({ name }) => [name, name]), ...parts], state.column);
  const known = columns.filter(({ meaning }) => meaning);
  find("meanings").replaceChildren(...known.flatMap(({ name, meaning }) => [element("dt", {}, name), element("dd", {}, meaning)]));
  await loadTraces();
}

// Raw, background and corrected intensity of the selected cell: a separate entry in the list of columns.
const PARTS = "parts_ch_";

async function askParts(track) {
  const channel = state.column.slice(PARTS.length);
  const answers = await Promise.all([...new Set(track.segments.map(([label]) => label))].map((label) =>
    get(there(`cells/${label}/parts/${channel}`), query())));
  const own = answers.flatMap((part) => part.frames.map((frame, i) => ({ frame, label: part.label, raw: part.raw[i], background: part.background[i], corrected: part.corrected[i] })))
    .filter(({ frame, label }) => track.segments.some(([l, first, last]) => l === label && first <= frame && frame <= last))
    .sort((a, b) => a.frame - b.frame);
  return { cell: track.cell, own };
}

const loading = latest();
async function loadTraces() {
  const isLast = loading();
  const { column, details } = state;
  const isParts = column?.startsWith(PARTS);
  const track = state.byCell.get(state.cell);
  const parts = isParts && track ? await askParts(track) : null;
  const traces = column && !isParts ? await get(there(`traces/${encodeURIComponent(column)}`), query()) : null;
  if (!isLast() || details !== state.details) return;
  Object.assign(state, { traces, parts, fits: isParts || state.fits?.column !== column ? null : state.fits });
  refresh();
  await loadFits();
}

// Fits of this column with the chosen model, or else with the model of the latest fit.
const fitting = latest();
export async function loadFits() {
  if (!state.traces) return;
  const isLast = fitting();
  const { column, details, fitModel } = state;
  const fits = await get(there(`fits/${encodeURIComponent(column)}`), { ...query(), model: fitModel || undefined });
  if (!isLast() || details !== state.details || column !== state.column) return;
  state.fits = { ...fits, column, byCell: new Map(fits.cells.map((fit) => [fit.cell, fit])) };
  refresh();
}

const fitOf = (cell) => (state.fitModel === "" || state.proposal ? undefined : state.fits?.byCell.get(cell));

function take(tracks) {
  index(tracks);
  if (!state.byCell.has(state.cell)) state.cell = null;
  if (!state.byCell.has(state.other)) state.other = null;
  if (tracks.set_aside.length) say(tracks.set_aside.join(" "), true);
}

const cells = () => state.tracks?.tracks.map(({ cell }) => cell) ?? [];

export function select(cell, isOther = false) {
  if (isOther) state.other = cell === state.cell ? null : cell;
  else {
    state.cell = cell;
    if (state.other === cell) state.other = null;
    const at = cells().indexOf(cell);
    if (at >= 0) state.page = Math.floor(at / PER_PAGE);
  }
  state.proposal = null;
  refresh();
  if (state.column?.startsWith(PARTS)) loadTraces().catch((error) => say(error.message, true));
}

export function next(by) {
  const all = cells();
  if (!all.length) return;
  const at = all.indexOf(state.cell);
  const cell = all[at < 0 ? 0 : (at + by + all.length) % all.length];
  select(cell);
  const track = state.byCell.get(cell);
  const [first, last] = [track.segments[0][1], track.segments.at(-1)[2]];
  if (state.frame < first || state.frame > last) stage.go(first);
}

function turn(by) {
  const pages = Math.ceil(cells().length / PER_PAGE);
  state.page = Math.max(0, Math.min(pages - 1, state.page + by));
  refresh();
}

function refresh() {
  const all = cells();
  const pages = Math.max(1, Math.ceil(all.length / PER_PAGE));
  find("page-text").textContent = all.length ? `${state.page + 1}/${pages} · ${all.length} cells` : "no traces";
  find("page-back").disabled = state.page === 0;
  find("page-on").disabled = state.page >= pages - 1;
  const option = (cell) => [cell, isBad(cell, state.byCell.get(cell).segments[0][1]) ? `${cell} (bad)` : cell];
  fill(find("cell"), [["", "–"], ...all.map(option)], state.cell ?? "");
  fill(find("other"), [["", "–"], ...all.filter((cell) => cell !== state.cell).map(option)], state.other ?? "");
  title();
  find("fit-choice").hidden = !state.fits?.models.length;
  if (state.fits) fill(find("fit-shown"), [["", "none"], ...state.fits.models.map((name) => [name, name])], state.fitModel === "" ? "" : state.fits.model);
  for (const id of ["good", "bad", "bad-from", "cut", "delete"]) find(id).disabled = state.cell === null;
  for (const id of ["join", "swap"]) find(id).disabled = state.cell === null || state.other === null;
  const log = state.tracks?.log ?? [];
  const mine = log.filter(({ by }) => by === state.me);
  find("undo").disabled = !mine.some(({ active }) => active);
  find("redo").disabled = !mine.some(({ active }) => !active);
  const active = log.filter((entry) => entry.active).length;
  find("saved").textContent = active ? `${active} ${active === 1 ? "change" : "changes"} saved` : state.tracks ? "no changes yet" : "";
  find("log").replaceChildren(...log.map((entry) => element("li", { className: entry.active ? "" : "off" },
    `${entry.text}${entry.problem ? ` – no effect: ${entry.problem}` : ""}`)));
  find("proposal").hidden = state.proposal === null;
  if (state.proposal) find("proposal-text").textContent = state.proposal.text;
  show();
  stage.draw();
}

function title() {
  const track = state.byCell.get(state.cell);
  const heading = find("cell-title");
  if (!track) {
    heading.textContent = "No cell selected";
    return;
  }
  const [first, last] = [track.segments[0][1], track.segments.at(-1)[2]];
  const bad = track.bad.length === 0 ? "good" : `bad in ${track.bad.map(([a, b]) => (a === b ? a : `${a}–${b}`)).join(", ")}`;
  const labels = [...new Set(track.segments.map(([label]) => label))];
  const joined = labels.length > 1 || labels[0] !== track.cell ? ` · labels ${labels.join(", ")}` : "";
  const fit = fitOf(track.cell);
  const fitted = fit ? ` · ${fit.model}: R² ${fit.r_squared.toFixed(4)}` : "";
  heading.textContent = `Cell ${track.cell}: frames ${first}–${last} (${track.n}), ${bad}${joined}${fitted}`;
}

function show() {
  if (!state.details) return;
  const last = state.details.times_min.at(-1);
  const inHours = last >= 120;
  const times = state.details.times_min.map((t) => (inHours ? t / 60 : t));
  const line = ({ cell, frames, values }, style) => ({ cell, style, points: frames.map((f, i) => [times[f], values[i], f]) });
  const lines = [];
  if (state.traces) {
    const shown = find("all").checked ? cells() : cells().slice(state.page * PER_PAGE, (state.page + 1) * PER_PAGE);
    const wanted = new Set([...shown, state.cell]);
    for (const trace of state.traces.traces) {
      if (!wanted.has(trace.cell)) continue;
      const bad = state.byCell.get(trace.cell)?.bad ?? [];
      const style = trace.cell === state.cell ? "selected" : bad.length ? "bad" : "plain";
      lines.push(line(trace, state.proposal ? "plain" : style));
      const fit = fitOf(trace.cell);
      if (fit) lines.push(line({ ...trace, values: trace.frames.map((f) => fit.values[f] ?? null) }, "fit"));
    }
    if (state.proposal) {
      lines.push(...state.proposal.effect.before.map((trace) => line(trace, "ghost")));
      lines.push(...state.proposal.effect.after.map((trace) => line(trace, "after")));
    }
  }
  const showsParts = state.parts && state.column?.startsWith(PARTS);
  if (showsParts) {
    for (const [name, style] of [["raw", "ghost"], ["background", "fit"], ["corrected", "selected"]]) {
      lines.push({ cell: state.parts.cell, style, points: state.parts.own.map((p) => [times[p.frame], p[name], p.frame]) });
    }
  }
  find("column").title = state.tracks?.columns.find(({ name }) => name === state.column)?.meaning ?? "";
  const unit = showsParts ? "counts" : state.tracks?.columns.find(({ name }) => name === state.column)?.unit ?? "";
  const fitted = lines.some(({ style }) => style === "fit");
  const old = state.fits?.is_current === false ? " of earlier traces (merge and fit again)" : "";
  const entries = showsParts ? [["#5a6672", "dashed", "raw"], ["#1d2630", "dotted", "background"], ["#c77700", "solid", "corrected"]]
    : state.proposal ? [["#5a6672", "dashed", "before"], ["#1d2630", "solid", "after"]]
      : [["#c77700", "solid", "selected"], ["#b3261e", "dashed", "bad"], ...(fitted ? [["#1d2630", "dotted", `fit${old}`]] : [])];
  find("legend").replaceChildren(...entries.map(([colour, style, text]) => {
    const swatch = element("i");
    swatch.style.borderTop = `2px ${style} ${colour}`;
    return element("span", {}, swatch, text);
  }));
  plot.show(lines, { times, unit, title: showsParts ? `cell ${state.parts.cell}` : state.column ?? "", frame: state.frame, timeUnit: inHours ? "h" : "min" });
}

let pending = null;
export function at() {
  // Drawing the traces for every frame during playback would take longer than the images.
  if (pending) return;
  pending = setTimeout(() => { pending = null; plot.at(state.frame); }, state.playing ? 200 : 0);
}

// Shows what somebody else has corrected; what is selected stays selected.
async function update(details, version) {
  if (details !== state.details || !version || version === state.tracks.version) return;
  const tracks = await get(there("tracks"), query());
  if (details !== state.details) return;
  take(tracks);
  await loadTraces();
}

async function change(path, body) {
  const { details } = state;
  const tracks = await post(there(path), query(), { by: state.me, ...body });
  if (details !== state.details) return;
  take(tracks);
  state.proposal = null;
  say("Saved");
  await loadTraces();
}

const act = (action) => change("inspection", { action });

// Shows the effect of an action; `apply` carries it out.
async function preview(text, action) {
  const { details } = state;
  const column = state.column.startsWith(PARTS) ? state.tracks.columns[0].name : state.column;
  const effect = await post(there("inspection/preview"), query(), { action, column });
  if (details !== state.details) return;
  state.proposal = { text, action, effect };
  refresh();
  find("proposal-apply").focus(); // so that Enter applies and Escape cancels
}

export function mark(good, frame = 0) {
  return state.cell === null ? undefined : act({ kind: "mark", cell: state.cell, good, frame });
}

export function join() {
  const [cell, other] = [state.cell, state.other];
  return cell === null || other === null ? undefined : preview(`Join ${other} to ${cell}: both become cell ${cell}.`, { kind: "join", cell, other });
}

export function swap() {
  const { cell, other, frame } = state;
  return cell === null || other === null ? undefined : preview(`Swap the numbers of ${cell} and ${other} from frame ${frame} on.`, { kind: "swap", cell, other, frame });
}

export function cut() {
  const { cell, frame } = state;
  return cell === null ? undefined : preview(`Cut ${cell}: from frame ${frame} on it becomes a new cell.`, { kind: "cut", cell, frame });
}

export function remove() {
  const { cell } = state;
  return cell === null ? undefined : preview(`Delete cell ${cell} from the table.`, { kind: "delete", cell });
}

export function apply() {
  return state.proposal ? act(state.proposal.action) : undefined;
}

export function cancel() {
  state.proposal = null;
  refresh();
}

export const undo = () => change("inspection/undo");
export const redo = () => change("inspection/redo");
