// Two numbers of every cell against each other, computed by the server as for the figures.

import { card, element, fillSelect, find } from "./elements.js";

export function makeScatterCard() {
  return card("Scatter",
    element("div", { id: "scatter", className: "bar" },
      element("label", {}, "x ", element("select", { id: "scatter-x" })),
      element("label", {}, "y ", element("select", { id: "scatter-y" }))));
}

/**
 * Lists the numbers of the fits that are compared; what was chosen stays chosen.
 * @param {Array<[string, string]>} options Names, and names with units.
 */
export function showScatterNumbers(options) {
  const names = ["scatter-x", "scatter-y"];
  find("scatter").hidden = !options.length;
  /** @type {Array<"scatter-x" | "scatter-y">} */ (names).forEach((id, i) => {
    fillSelect(find(id), options, find(id).value || options[Math.min(i, options.length - 1)]?.[0]);
  });
}
