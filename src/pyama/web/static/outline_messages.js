// What is to be known about outlines where a frame has none, or has others before tracking.

import { labelsOf, loadedOutlines, shownKinds } from "./frames.js";
import { countText } from "./numbers.js";
import { stackOf } from "./stacks.js";
import { state } from "./state.js";

const BEFORE = "segmentation (before tracking)";
const TEXTS = {
  tracked: { name: "tracked cells", missing: "no tracked cells: tracking is not finished, or its labels were removed" },
  labeled: { name: BEFORE, missing: `no ${BEFORE}: it is not finished, or its labels were removed` },
};

/**
 * @param {number} frame
 * @returns {Array<string>}
 */
export function outlineRemarks(frame) {
  const corrected = state.source?.details.corrected[frame] ?? "";
  const remarks = shownKinds().map((kind) => {
    const group = labelsOf(kind);
    if (!group) return TEXTS[kind].missing;
    if (stackOf(group.group).not_recorded.includes(frame)) return `${TEXTS[kind].name}: this frame was not recorded`;
    const cells = loadedOutlines(frame, kind)?.cells.length;
    return cells === undefined ? "" : remarkOf(kind, cells);
  });
  return [corrected, ...remarks].filter(Boolean);
}

/**
 * @param {Api.LabelKind} kind
 * @param {number} cells
 */
function remarkOf(kind, cells) {
  if (cells) return kind === "labeled" ? `${TEXTS[kind].name}: ${countText(cells, "cell")}` : "";
  return `${TEXTS[kind].name}: none in this frame`;
}
