// One frame of a recording, and the cells that the parameters of the form find in it.

import { card, contextOf, element, fillSelect, find, showErrorsOf, showStatus } from "./elements.js";
import { addRings } from "./polygons.js";
import { address, fetchChecked, makeLatestCheck, post } from "./requests.js";

/** @typedef {() => {file: string, channels: Record<string, any>, params: Record<string, any>}} ReadSettings */

/** @type {ReadSettings} */
let readSettings;
/** @type {ImageBitmap | null} */
let image = null;
/** @type {Api.TrialCells | null} */
let foundCells = null;
/** @type {string | null} */
let file = null;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let pending;

/** @param {ReadSettings} read Returns what the form says. */
export function makeTrialCard(read) {
  readSettings = read;
  // Settings that are changed are tried at once when one frame has been tried.
  find("run").addEventListener("input", trySoon);
  return card("Image",
    element("div", { className: "bar" },
      element("label", {}, "FOV ", element("select", { id: "image-fov", onchange: () => showImage() })),
      element("label", {}, "Frame ", element("input", { id: "image-frame", type: "number", min: 0, value: 0, onchange: () => showImage() })),
      element("label", {}, "Channel ", element("select", { id: "image-channel", onchange: () => showImage() })),
      element("output", { id: "image-cells" })),
    element("canvas", { id: "image-canvas", width: 10, height: 10, role: "img", "aria-label": "Image of the recording" }));
}

/** Forgets the recording and its cells. */
export function clearTrial() {
  file = foundCells = null;
  clearTimeout(pending);
}

/**
 * Shows a frame of another recording.
 * @param {Api.Recording} recording
 * @param {number} channel
 */
export async function openTrial(recording, channel) {
  file = recording.file;
  const { n_fovs: fovs, n_frames: frames, positions, channels } = recording;
  fillSelect(find("image-fov"), Array.from({ length: fovs }, (_, fov) => [fov, positions[fov] ? `${fov} · ${positions[fov]}` : fov]), 0);
  find("image-frame").max = `${frames - 1}`;
  fillSelect(find("image-channel"), channelOptions(channels), channel);
  await showImage();
}

/**
 * Channels as options of a list.
 * @param {Array<string>} names
 * @returns {Array<[number, string]>}
 */
export function channelOptions(names) {
  return names.map((name, channel) => [channel, `${channel} · ${name}`]);
}

const startImage = makeLatestCheck();
const showImage = showErrorsOf(async () => {
  if (!file) return;
  const isLatest = startImage();
  const query = { file, fov: find("image-fov").value, frame: find("image-frame").value, channel: find("image-channel").value };
  const blob = await fetchChecked(address("recording/frame", query), (answer) => answer.blob());
  const bitmap = await createImageBitmap(blob);
  if (!isLatest()) return;
  image = bitmap;
  if (foundCells) await tryParams();
  else drawImage();
});

function drawImage() {
  if (!image) return;
  const canvas = find("image-canvas");
  const { width, height } = image;
  Object.assign(canvas, { width, height });
  const context = contextOf(canvas);
  context.drawImage(image, 0, 0);
  if (!foundCells) return;
  const [rows, columns] = foundCells.shape;
  context.scale(width / columns, height / rows);
  context.strokeStyle = "#ffd24a";
  context.lineWidth = (1.5 * columns) / width;
  context.beginPath();
  for (const rings of Object.values(foundCells.outlines)) addRings(context, rings);
  context.stroke();
}

const startTrial = makeLatestCheck();

/** Finds the cells of the frame that is shown with the parameters of the form. */
export const tryParams = showErrorsOf(async () => {
  const isLatest = startTrial();
  const settings = readSettings();
  find("image-cells").textContent = "finding cells …";
  let found = null;
  try {
    found = await post("recording/segmentation", {}, {
      ...settings, fov: Number(find("image-fov").value), frame: Number(find("image-frame").value) });
  } finally {
    if (isLatest()) find("image-cells").textContent = "";
  }
  if (!isLatest()) return;
  foundCells = found;
  find("image-cells").textContent = `${found.cells} cells`;
  showStatus("");
  drawImage();
});

function trySoon() {
  if (!foundCells) return;
  clearTimeout(pending);
  pending = setTimeout(tryParams, 300);
}
