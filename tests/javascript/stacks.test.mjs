import "./browser.mjs";
import assert from "node:assert/strict";
import { test } from "node:test";
import { levelOf, pixelsOf, rangeOf, shownStacks, stackOf, titleOf } from "../../src/pyama/web/static/stacks.js";
import { openSource, state, takeTracks } from "../../src/pyama/web/static/state.js";

const group = (kind, channel, levels = { 0: "a", 1: "b" }) => ({ group: `${kind}_ch_${channel}`, kind, channel, levels });

test("nothing is shown before a folder is open", () => {
  state.source = null;
  assert.throws(openSource, /Choose a folder of results first/);
});

test("stacks are in the order of their kinds and channels, labels are not shown", () => {
  const groups = [group("fl_background", 1), group("fl", 2), group("seg_tracked", 0), group("fl", 1, { 0: "a" }), group("pc", 0)];
  state.source = { dir: ".", fov: 0, details: { groups }, dataset: { channels: ["Phase", "GFP"] } };
  assert.deepEqual(shownStacks(), ["pc_ch_0", "fl_ch_1", "fl_ch_2", "fl_background_ch_1"]);
  assert.equal(state.source.details.groups[0].kind, "fl_background"); // not sorted in place
  assert.throws(() => stackOf("fl_ch_9"), /no stack fl_ch_9/);
});

test("a stack has the name of its channel, and the level that is chosen if it is there", () => {
  assert.deepEqual(["pc_ch_0", "fl_background_ch_1", "fl_ch_2"].map(titleOf), ["Phase", "GFP background", "2"]);
  state.level = "1";
  assert.deepEqual(["pc_ch_0", "fl_ch_1"].map(levelOf), ["1", "0"]);
  state.level = "0";
  assert.equal(levelOf("pc_ch_0"), "0");
});

test("cells and what belongs to their labels change together", () => {
  takeTracks({ tracks: [{ cell: 4, segments: [[2, 0, 3]], bad: [], n: 4 }] });
  assert.equal(state.index.cellOf(2, 1), 4);
  takeTracks(null);
  assert.deepEqual([state.tracks, state.index.cells], [null, []]);
});

test("previews show a stack where they hold the contrast that is wanted, else full frames do", () => {
  const groups = [{ ...group("fl", 1), low: 100, high: 300 }, { ...group("pc", 0, { 1: "p" }), low: 0, high: 9 }];
  const contrasts = { fl_ch_1: { low: 100, high: 300, least: 50, most: 900 } };
  state.source = { dir: ".", fov: 0, details: { groups }, dataset: { channels: [], contrasts } };
  const shown = (level, range, slow = false) => {
    Object.assign(state, { level, slow, ranges: new Map(range ? [["fl_ch_1", range]] : []) });
    return pixelsOf("fl_ch_1");
  };
  const preview = { level: "1", reduced: false, asJpeg: false, scale: [100, 300], version: "b" };
  const full = { level: "0", reduced: true, asJpeg: false, scale: null, version: "a" };
  assert.deepEqual(shown("1", null), preview);
  assert.deepEqual(shown("1", [150, 250]), preview);
  assert.deepEqual(rangeOf("fl_ch_1"), [150, 250]);
  for (const range of [[150, 160], [60, 300], "auto"]) assert.deepEqual(shown("1", range), full);
  assert.equal(rangeOf("fl_ch_1"), null);
  assert.deepEqual(shown("0", null), { ...full, reduced: false });
  // Few different JPEGs: those of the usual contrast, and of all counts.
  assert.deepEqual(shown("1", null, true), { ...preview, asJpeg: true });
  for (const range of [[150, 160], [100, 110], [290, 300]]) {
    assert.deepEqual(shown("1", range, true), { ...full, asJpeg: true, scale: [100, 300] });
  }
  assert.deepEqual(shown("1", [60, 300], true), { ...full, asJpeg: true, scale: [50, 900] });
  assert.deepEqual(shown("0", null, true), { ...full, reduced: false });
  state.level = "1";
  assert.deepEqual(pixelsOf("pc_ch_0"), { level: "1", reduced: false, asJpeg: true, scale: [0, 9], version: "p" });
  Object.assign(state, { level: "0", slow: false, ranges: new Map() });
});
