import "./browser.mjs";
import assert from "node:assert/strict";
import { test } from "node:test";
import { stackOf, levelOf, shownStacks, titleOf } from "../../src/pyama/web/static/stacks.js";
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
