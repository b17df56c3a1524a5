// Figures as files for publications, drawn by the server.

import { element, showErrorsOf } from "./elements.js";
import { address, fetchChecked } from "./requests.js";

/**
 * Buttons that save a figure.
 * @param {() => string} path Of the request, such as `figures/scatter`; the file has the last part of it as its name.
 * @param {() => Record<string, unknown>} query What the figure shows.
 */
export function makeFigureButtons(path, query) {
  return ["PNG", "SVG"].map((kind) => element("button", {
    title: "Save this figure as a file for a publication, with the part that is shown",
    onclick: showErrorsOf(() => saveFigure(path(), query(), kind.toLowerCase())),
  }, kind));
}

/**
 * @param {string} path
 * @param {Record<string, unknown>} query
 * @param {string} kind
 */
async function saveFigure(path, query, kind) {
  const blob = await fetchChecked(address(path, { ...query, kind }), (answer) => answer.blob()); // a link would not say why it fails
  const href = URL.createObjectURL(blob);
  element("a", { href, download: `${path.split("/").at(-1)}.${kind}` }).click();
  setTimeout(() => URL.revokeObjectURL(href), 60_000);
}
