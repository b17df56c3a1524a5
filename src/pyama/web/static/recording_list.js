// The recordings and folders of a folder below the root, to choose one.

import { fillSelect, find, showErrorsOf } from "./elements.js";
import { get, makeLatestCheck } from "./requests.js";

const startListing = makeLatestCheck();
/** @type {Api.Listing | null} The folder that is listed. */
let listed = null;

/** Lists a folder below the root. */
export const browse = showErrorsOf(async (/** @type {string} */ dir) => {
  const isLatest = startListing();
  const listing = await get("files", { dir });
  if (isLatest()) showListing(listing, "");
});

/** Lists the folder again if recordings have been added or removed since. */
export const listAgain = showErrorsOf(async () => {
  const before = listed;
  if (!before || find("run").hidden) return;
  const listing = await get("files", { dir: before.dir });
  if (listed === before && JSON.stringify(listing) !== JSON.stringify(before)) showListing(listing, find("run-file").value);
});

/**
 * @param {Api.Listing} listing
 * @param {string} file The file that is chosen, if it is there.
 */
function showListing(listing, file) {
  listed = listing;
  const { folders, files, dir: place } = listing;
  find("run-place").textContent = place === "." ? "In the root folder" : `In ${place}`;
  /** @returns {[string, string]} */
  const toOption = (/** @type {string} */ name) => [place === "." ? name : `${place}/${name}`, name];
  const toFile = (/** @type {string} */ name) =>
    name === "." ? /** @type {[string, string]} */ ([place, "all TIFF files of this folder"]) : toOption(name);
  const parent = /** @type {Array<[string, string]>} */ (place === "." ? [] : [[parentOf(place), "↑ up"]]);
  fillSelect(find("run-folder"), [[place, "(this folder)"], ...parent, ...folders.map(toOption)], place);
  fillSelect(find("run-file"), [["", files.length ? "choose …" : "no recordings here"], ...files.map(toFile)], file);
  if (find("run-settings").disabled) find("run-facts").textContent = files.length ? "" : noRecordings(folders.length > 0);
}

/** @param {boolean} hasFolders */
const noRecordings = (hasFolders) => `There is no ND2, CZI, TIFF or OME-Zarr file here. ${hasFolders ? "Choose another folder above, or put" : "Put"
} a recording into this folder. To use another folder, start the page with: pyama view --root FOLDER`;

/**
 * The folder of a folder or file, below the root.
 * @param {string} place
 */
export function parentOf(place) {
  return place.includes("/") ? place.replace(/\/[^/]*$/, "") : ".";
}
