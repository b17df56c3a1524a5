// Figures and movies as files, made by the server.

import { element, showErrorsOf } from "./elements.js";
import { address, fetchChecked } from "./requests.js";

/**
 * Buttons that save a figure.
 * @param {() => string} path Of the request, such as `figures/scatter`; the file has the last part of it as its name.
 * @param {() => Record<string, unknown>} query What the figure shows.
 */
export function makeFigureButtons(path, query) {
  return makeFileButtons(["PNG", "SVG"], "Save this figure as a file for a publication, with the part that is shown", path, query);
}

/**
 * Buttons that save what the server draws.
 * @param {string[]} kinds Suffixes of the file in capitals.
 * @param {string} title
 * @param {() => string} path See `makeFigureButtons`.
 * @param {() => Record<string, unknown>} query
 */
export function makeFileButtons(kinds, title, path, query) {
  return kinds.map((kind) => element("button", { title, onclick: showErrorsOf(() => saveFile(path(), query(), kind.toLowerCase())) }, kind));
}

/**
 * @param {string} path
 * @param {Record<string, unknown>} query
 * @param {string} kind
 */
async function saveFile(path, query, kind) {
  const blob = await fetchChecked(address(path, { ...query, kind }), (answer) => answer.blob()); // a link would not say why it fails
  const href = URL.createObjectURL(blob);
  element("a", { href, download: `${path.split("/").at(-1)}.${kind}` }).click();
  setTimeout(() => URL.revokeObjectURL(href), 60_000);
}
