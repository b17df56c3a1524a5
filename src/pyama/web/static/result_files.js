// The files of an output folder as links: one by one, or all in a zip archive.

import { card, element, find, showErrorsOf } from "./elements.js";
import { countText } from "./numbers.js";
import { address, get } from "./requests.js";
import { tablesDir } from "./state.js";

/** @param {() => unknown} setTablesAside */
export function makeFilesCard(setTablesAside) {
  return card("Files",
    element("p", { id: "no-tables", hidden: true }, "No table yet. Merge the samples first."),
    element("ul", { id: "tables", "aria-label": "Tables" }),
    element("div", { id: "files" }),
    element("p", {}, element("a", { id: "files-zip", download: "" })),
    element("button", { id: "set-aside", hidden: true, onclick: setTablesAside }, "Move tables of earlier samples to superseded"),
    element("ul", { id: "table-remarks", "aria-label": "Remarks" }));
}

/** Shows the files of an output folder; tables and reports openly, those of each FOV on demand. */
export const showFiles = showErrorsOf(async (/** @type {string} */ dir) => {
  const { files, zip_count: count, zip_size: size } = await get("results", { dir });
  if (dir !== tablesDir()) return;
  const open = ["fits", "merged tables", "earlier samples"];
  const makeLink = (/** @type {Api.ListedFile} */ { name, size: bytes, kind }) => element("li", {},
    element("a", { href: address("results/file", { dir, name }), download: "" }, name),
    element("span", { className: "soft" }, ` ${bytes}${kind === "earlier samples" ? " (earlier samples)" : ""}`));
  find("tables").replaceChildren(...files.filter(({ kind }) => open.includes(kind)).map(makeLink));
  const kinds = [...new Set(files.map(({ kind }) => kind))].filter((kind) => !open.includes(kind));
  find("files").replaceChildren(...kinds.map((kind) => {
    const own = files.filter((file) => file.kind === kind);
    return element("details", {}, element("summary", {}, `${kind} (${own.length})`), element("ul", {}, ...own.map(makeLink)));
  }));
  find("no-tables").hidden = find("tables").childElementCount > 0;
  find("files-zip").hidden = !count;
  find("files-zip").href = address("results/zip", { dir });
  find("files-zip").textContent = `Download all as zip (${countText(count, "file")}, ${size} before compression)`;
});
