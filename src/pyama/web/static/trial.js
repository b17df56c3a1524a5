// One frame of a recording, and the cells that the parameters of the form find in it.

import { card, element, fillSelect, find, showErrorsOf, showStatus } from "./elements.js";
import { checkFields, trialKey } from "./form.js";
import { countText } from "./numbers.js";
import { address, fetchChecked, makeLatestCheck, post } from "./requests.js";
import { makeTrialImage, showFound, showFrame } from "./trial_image.js";

/** @typedef {() => {file: string, channels: {pc: object | null}, params: Record<string, any>}} ReadSettings */

const PATIENCE_MS = 120;
/** @type {ReadSettings} */
let readSettings;
/** @type {Api.Recording | null} */
let recording = null;
/** Whether the cells are shown: from the first trial, or the first change of a parameter. */
let isTrying = false;
/** What the last trial was about, to see whether a change matters. */
let tried = "";
/** Whether a trial is under way, and whether another one is wanted after it. */
let [isBusy, isWanted] = [false, false];
/** @type {ReturnType<typeof setTimeout> | undefined} */
let pending;

/** @param {ReadSettings} read Returns what the form says. */
export function makeTrialCard(read) {
  readSettings = read;
  const made = card("Image",
    element("div", { className: "bar" },
      element("label", {}, "FOV ", element("select", { id: "image-fov", onchange: () => showImage() })),
      element("label", {}, "Frame ", element("input", { id: "image-frame", type: "number", min: 0, value: 0, onchange: () => showImage() })),
      element("label", {}, "Channel ", element("select", { id: "image-channel", onchange: () => showImage() })),
      element("output", { id: "image-cells" })),
    makeTrialImage());
  made.classList.add("trial");
  return made;
}

/** Forgets the recording and its cells. */
export function clearTrial() {
  recording = null;
  tried = "";
  clearCells();
}

function clearCells() {
  isTrying = isWanted = false;
  clearTimeout(pending);
  find("image-cells").textContent = "";
  showFound(null);
}

/**
 * Shows a frame of another recording.
 * @param {Api.Recording} opened
 * @param {number} channel
 */
export async function openTrial(opened, channel) {
  recording = opened;
  const { n_fovs: fovs, n_frames: frames, positions, channels } = opened;
  fillSelect(find("image-fov"), Array.from({ length: fovs }, (_, fov) => [fov, positions[fov] ? `${fov} · ${positions[fov]}` : fov]), 0);
  find("image-frame").max = `${frames - 1}`;
  find("image-frame").value = "0";
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
  if (!recording) return;
  const isLatest = startImage();
  const { file, shapes } = recording;
  const fov = Number(find("image-fov").value);
  const query = { file, fov, frame: find("image-frame").value, channel: find("image-channel").value };
  const blob = await fetchChecked(address("recording/frame", query), (answer) => answer.blob());
  const bitmap = await createImageBitmap(blob);
  if (!isLatest()) return;
  showFrame(bitmap, shapes[fov]);
  if (isTrying) tryParams();
});

/** Finds the cells of the frame that is shown with the parameters of the form. */
export function tryParams() {
  isTrying = isWanted = true;
  find("image-cells").textContent = "finding cells …";
  if (!isBusy) return findCells();
  return undefined;
}

/** Tries until the result is that of the latest parameters; one request at a time. */
const findCells = showErrorsOf(async () => {
  isBusy = true;
  try {
    while (isWanted) {
      isWanted = false;
      await tryOnce();
    }
  } finally {
    isBusy = false;
  }
});

async function tryOnce() {
  const place = { fov: Number(find("image-fov").value), frame: Number(find("image-frame").value) };
  const of = recording;
  let text = "";
  try {
    checkFields(true);
    const settings = readSettings();
    tried = keyOf(settings.channels);
    const found = await post("recording/segmentation", {}, { ...settings, ...place });
    if (of !== recording || isWanted) return;
    text = countText(found.cells, "cell");
    showFound(found.outlines);
    showStatus("");
  } catch (error) {
    showFound(null); // what is seen is never that of other parameters
    text = "no result";
    throw error;
  } finally {
    if (of === recording && !isWanted) find("image-cells").textContent = text;
  }
}

/** @param {{pc: object | null}} channels */
const keyOf = ({ pc }) => JSON.stringify([pc, trialKey()]);

/**
 * Tries the parameters of the form if they would find other cells.
 * @param {boolean} isTyped Whether a person has changed one; other changes are tried where
 *   cells are shown already.
 */
export function trySoon(isTyped) {
  const settings = recording && readSettings();
  const key = settings ? keyOf(settings.channels) : "";
  if (!settings || key === tried) return;
  clearTimeout(pending);
  if (settings.channels.pc === null) {
    clearCells();
  } else if (isTyped || isTrying) {
    find("image-cells").textContent = "finding cells …";
    if (isTyped) find("image-cells").scrollIntoView({ block: "nearest" }); // a plan may be in view
    pending = setTimeout(tryParams, PATIENCE_MS);
  } else tried = key;
}
