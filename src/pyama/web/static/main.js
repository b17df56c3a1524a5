// Entry point: choice of dataset and field of view, views of the page, keyboard shortcuts.

import { element, fill, find, get, latest, say, showingErrors } from "./api.js";
import * as cells from "./cells.js";
import * as analysis from "./analysis.js";
import * as run from "./run.js";
import * as stage from "./stage.js";
import { state } from "./state.js";
import { openNewest, enqueue } from "./queue.js";

const PARTS = ["view", "run", "analysis"];

const opening = latest();
let wanted = null;

export function openDataset(dir, fov = null) {
  wanted = null;
  return openNewest(() => loadDataset(dir, fov));
}

async function loadDataset(dir, fov) {
  const isLast = opening();
  const dataset = await get("dataset", { dir });
  if (!isLast()) return;
  const first = dataset.fovs.some((entry) => entry.fov === fov) ? fov : dataset.fovs[0]?.fov;
  if (first === undefined) throw new Error("This folder has no fields of view yet.");
  await loadFov(first, { dir, dataset });
}

function listFovs() {
  find("remarks").replaceChildren(...state.dataset.remarks.map((text) => element("li", {}, text)));
  find("fov-list").replaceChildren(...state.dataset.fovs.map(({ fov, name, traces, inspected }) => element("li", {},
    element("button", { id: `fov-${fov}`, title: name, onclick: () => openFov(fov) },
      element("span", {}, `FOV ${fov}${inspected ? " ✓" : ""}`),
      element("span", { className: "count" }, traces === null ? "–" : `${traces}`)))));
}

export function openFov(fov) {
  wanted = fov;
  return openNewest(() => loadFov(fov));
}

// Everything changes at once, so that frames of one dataset are not requested from another.
async function loadFov(fov, other = null) {
  const { dir } = other ?? state;
  const isLast = opening();
  const details = await get(`fovs/${fov}`, { dir });
  if (!isLast()) return;
  Object.assign(state, other ?? {}, { fov, details });
  if (other) {
    document.title = `${state.dataset.recording} · pyama`;
    listFovs();
  }
  state.frame = Math.min(state.frame, details.shape[0] - 1);
  for (const button of find("fov-list").querySelectorAll("button")) {
    if (button.id === `fov-${fov}`) {
      button.setAttribute("aria-current", "true");
      button.scrollIntoView({ block: "nearest" });
    } else button.removeAttribute("aria-current");
  }
  history.replaceState(null, "", `/?${new URLSearchParams({ dir, fov })}`);
  say(`${state.dataset.recording}, FOV ${fov}: ${details.shape.join(" × ")}, ${details.time}`);
  stage.open();
  await cells.open();
}

function nextFov(by) {
  const all = state.dataset?.fovs.map(({ fov }) => fov) ?? [];
  const at = all.indexOf(wanted ?? state.fov) + by;
  if (all[at] !== undefined) openFov(all[at]);
}

function toggleBox(name) {
  find(name).click();
}

const PREVIEWS = ["m", "s", "x", "Delete"];
const JUMPS = { "[": () => nextFov(-1), "]": () => nextFov(1) };
const KEYS = {
  // Keys do not wait for images: fast key presses skip some frames.
  ArrowLeft: (event) => void stage.step(event.shiftKey ? -10 : -1), ArrowRight: (event) => void stage.step(event.shiftKey ? 10 : 1),
  ArrowUp: () => cells.next(-1), ArrowDown: () => cells.next(1), " ": stage.toggle,
  g: () => cells.mark(true), b: () => cells.mark(false), B: () => cells.mark(false, state.frame),
  u: cells.undo, r: cells.redo, m: cells.join, s: cells.swap, x: cells.cut, Delete: cells.remove,
  Enter: cells.apply, Escape: cells.cancel, o: () => toggleBox("outlines"), i: () => toggleBox("ids"),
  "+": () => stage.zoomBy(1.5), "-": () => stage.zoomBy(1 / 1.5), 0: stage.fit,
};

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || find("help").open) return;
  if (event.key === "?") return find("help").showModal();
  if (find("view").hidden) return;
  const { tagName, type } = event.target;
  const typing = tagName === "SELECT" || tagName === "TEXTAREA" || (tagName === "INPUT" && type !== "checkbox");
  const pressing = (tagName === "BUTTON" || tagName === "SUMMARY" || type === "checkbox") && (event.key === " " || event.key === "Enter");
  const action = JUMPS[event.key] ?? KEYS[event.key];
  if (!action || pressing || (typing && !(type === "range" && !event.key.startsWith("Arrow")))) return;
  event.preventDefault();
  // The next Enter or Escape is for what is previewed, not for the button that was used last.
  if (PREVIEWS.includes(event.key)) event.target.blur();
  if (event.key in JUMPS) action();
  else enqueue(() => action(event));
}

export const showPart = showingErrors(async (name) => {
  for (const part of PARTS) {
    find(part).hidden = part !== name;
    find(`tab-${part}`).setAttribute("aria-pressed", part === name);
  }
  if (name === "view") {
    stage.go(state.frame);
    await cells.loadFits(); // fits may have been made since
  }
  if (name === "run") await run.open(openResults);
  if (name === "analysis") await analysis.open();
});

const openResults = showingErrors(async (dir) => {
  await showPart("view");
  await openDataset(dir);
  await listDatasets(dir);
});

async function listDatasets(chosen) {
  const names = await get("datasets");
  if (chosen !== undefined && chosen !== null && !names.includes(chosen)) names.push(chosen);
  fill(find("dataset"), names.map((name) => [name, name === "." ? "(this folder)" : name]), chosen);
  return names;
}

const start = showingErrors(async () => {
  stage.setUp({ pick: cells.pick, frame: cells.at });
  cells.setUp();
  find("help-open").addEventListener("click", () => find("help").showModal());
  find("dataset").addEventListener("change", async () => {
    await openDataset(find("dataset").value);
    if (!find("analysis").hidden) await showPart("analysis");
  });
  document.addEventListener("keydown", onKey);
  find("run").addEventListener("input", run.changed);
  for (const part of PARTS) find(`tab-${part}`).addEventListener("click", () => showPart(part));
  const query = new URLSearchParams(location.search);
  const asked = query.get("dir");
  // The picture first: looking for other folders may take a while.
  const opened = asked === null ? null : openDataset(asked, query.has("fov") ? Number(query.get("fov")) : null);
  const names = await listDatasets(asked);
  await opened;
  if (asked === null && names.length) await openDataset(find("dataset").value);
  if (!names.length) await showPart("run");
});

// For tests and the console of the browser.
window.pyama = { state, stage, cells, openFov };
start();
