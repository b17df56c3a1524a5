import "./browser.mjs";
import assert from "node:assert/strict";
import { test } from "node:test";
import { toSamples } from "../../src/pyama/web/static/samples.js";
import { axisTitle } from "../../src/pyama/web/static/distributions.js";
import { flatten, helpText, inputType, inUnits, isEqual, isShown, readValue, toParams, valueText } from "../../src/pyama/web/static/form_values.js";
import { unusedName } from "../../src/pyama/web/static/earlier_results.js";
import { parentOf } from "../../src/pyama/web/static/recording_list.js";
import { describeRecording, outputName } from "../../src/pyama/web/static/run.js";
import { statusText } from "../../src/pyama/web/static/run_progress.js";

const schema = {
  $defs: { Divisions: { enum: ["keep", "split"] }, Pixel: { type: "number", unit: "um", exclusiveMinimum: 0 } },
  choices: { segmentation_method: ["logstd", "cellpose"] },
};
const length = { anyOf: [{ type: "number", unit: "px" }, { type: "string" }, { type: "null" }], absent: "not used" };
const typeOf = (name, property, isRequired) => inputType(name, property, schema, isRequired);
const read = (name, property, value, checked) => readValue(typeOf(name, property), { value, checked });

test("the type of an input follows from the schema", () => {
  const kinds = [
    ["segmentation_method", { type: "string" }, "choice"], ["divisions", { $ref: "#/$defs/Divisions" }, "choice"],
    ["copy_only", { type: "boolean" }, "box"], ["min_iou", { type: "number" }, "number"],
    ["pixel_size_um", { anyOf: [{ $ref: "#/$defs/Pixel" }, { type: "null" }] }, "number"],
    ["z", { anyOf: [{ type: "integer" }, { enum: ["max"] }] }, "text"], ["note", { type: "string" }, "text"],
    ["cell_diameter", length, "text"],
  ];
  for (const [name, property, kind] of kinds) assert.equal(typeOf(name, property)?.kind, kind, name);
  assert.equal(typeOf("weights", { type: "array" }), null);
});

test("values have the types of the schema", () => {
  assert.equal(read("min_iou", { type: "number" }, "0.25"), 0.25);
  assert.equal(read("min_iou", { type: "number" }, ""), undefined);
  assert.equal(read("pixel_size_um", { anyOf: [{ $ref: "#/$defs/Pixel" }, { type: "null" }] }, ""), null);
  assert.equal(read("copy_only", { type: "boolean" }, "on", false), false);
  assert.equal(read("factor", { enum: [1, 2, 4] }, "2"), 2);
  assert.equal(read("divisions", { $ref: "#/$defs/Divisions" }, ""), undefined);
  assert.deepEqual(["7", "max", ""].map((text) => read("z", { type: "string" }, text)), [7, "max", undefined]);
  assert.deepEqual(["70", "35.5", "30 um", "1.2.3", ""].map((text) => read("cell_diameter", length, text)), [70, 35.5, "30 um", "1.2.3", undefined]);
});

test("an empty input says what then happens", () => {
  assert.equal(typeOf("dark_frame", { type: "number", absent: "unknown" }).absent, "unknown");
  assert.equal(typeOf("cell_diameter", length).absent, "not used");
  assert.equal(typeOf("seed", { type: "integer" }).absent, "automatic");
  assert.equal(typeOf("model", { enum: ["a"] }, true).absent, "choose …");
  assert.equal(typeOf("min_iou", { type: "number", default: 0 }).absent, "");
});

test("only what differs from the defaults is sent, and plugins have a section", () => {
  const entries = [
    ["min_iou", { value: 0.3, standard: 0.1 }], ["max_gap", { value: 0, standard: 0 }], ["seed", { value: undefined, standard: 1 }],
    ["pixel_size_um", { value: null, standard: undefined }], ["n_workers", { value: null, standard: 4 }],
    ["features", { value: { phase: ["area"] }, standard: { phase: ["area", "x"] } }], ["preprocessors", { value: [], standard: [] }],
    ["cellpose.diameter", { value: 20, standard: 30 }], ["cellpose.flow", { value: 1, standard: 1 }], ["laptrack.cost", { value: 5, standard: null }],
  ];
  assert.deepEqual(toParams(entries), {
    min_iou: 0.3, n_workers: null, features: { phase: ["area"] }, plugins: { cellpose: { diameter: 20 }, laptrack: { cost: 5 } },
  });
});

test("help has the description, the unit and the bounds that the user can reach", () => {
  const help = (property) => helpText(property, typeOf("p", property), schema);
  assert.equal(help({ type: "integer", minimum: 1, maximum: 2 ** 31 - 1, unit: "px", description: "Side of `tiles`." }), "Side of tiles. Unit: px. Allowed: from 1.");
  assert.equal(help({ type: "number", exclusiveMinimum: 0, maximum: 1, unit: "1" }), "Allowed: above 0 to 1.");
  assert.equal(help({ anyOf: [{ $ref: "#/$defs/Pixel" }, { type: "null" }] }), "Unit: um. Allowed: above 0.");
  assert.equal(help(length), "", "text has units of its own");
  assert.equal(help({ type: "boolean", description: "Yes or no." }), "Yes or no.");
  assert.equal(help({ type: "boolean", description: "Radius; null is half of it." }), "Radius; empty is half of it.");
});

test("empty rows of samples are left out", () => {
  assert.deepEqual(toSamples([[" a ", " 0-3"], ["", "7"], ["b", ""], [" ", ""]]),
    [{ name: "a", fovs: "0-3" }, { name: "", fovs: "7" }, { name: "b", fovs: "" }]);
});

test("folders and output folders", () => {
  assert.deepEqual(["a/b/c", "a", "a/b"].map(parentOf), ["a/b", ".", "a"]);
  assert.deepEqual(["x/movie.nd2", "movie.ome.tif", "a.b/movie.x.czi", "movie"].map(outputName),
    ["x/movie_results", "movie_results", "a.b/movie.x_results", "movie_results"]);
});

test("a recording is described with its problems", () => {
  const recording = { format: "ND2", n_fovs: 2, n_frames: 9, shapes: [[20, 30]], pixel_size_um: null, time: "every 5 min", problems: ["Frame 3 is missing."] };
  assert.equal(describeRecording(recording), "ND2: 2 FOVs, 9 frames, 20 × 30 px, size of a pixel unknown, every 5 min. Frame 3 is missing.");
  assert.ok(describeRecording({ ...recording, n_fovs: 1, n_frames: 1 }).startsWith("ND2: 1 FOV, 1 frame, "));
});

test("the state of a run and the axis of a histogram as text", () => {
  assert.equal(statusText({ status: "running", progress: "12 %", message: "" }), "Running: 12 %. ");
  assert.equal(statusText({ status: "failed", progress: "", message: "The disk is full." }), "Failed. The disk is full.");
  assert.equal(axisTitle({ name: "t0", unit: "h" }), "t0 (h)");
  assert.equal(axisTitle({ name: "r_squared", unit: "" }), "r_squared");
});

test("parameters are shown where a chosen method reads them", () => {
  const conditions = { split_h: { segmentation_method: ["watershed"] }, spots: { phase: ["spots"], fluorescence: ["spots"] } };
  const shown = (name, chosen) => isShown(name, conditions, chosen);
  assert.equal(shown("split_h", { segmentation_method: ["logstd"] }), false);
  assert.equal(shown("split_h", { segmentation_method: ["watershed"] }), true);
  assert.equal(shown("spots.size", { phase: [], fluorescence: ["area", "spots"] }), true);
  assert.equal(shown("spots.size", { phase: [] }), false);
  assert.equal(shown("min_frames", {}), true);
});

test("pixels are also given in µm, and frames in hours, where the scale is known", () => {
  const scale = { pixelSize: 0.5, interval: 10 };
  assert.deepEqual(["px", "px²", "frames", "counts"].map((unit) => inUnits(30, unit, scale)), ["= 15 µm. ", "= 7.5 µm². ", "= 5 h. ", ""]);
  for (const unit of ["px", "px²", "frames"]) assert.equal(inUnits(30, unit, { pixelSize: null, interval: null }), "");
  assert.equal(inUnits(null, "px", scale), "");
});

test("parameters of a configuration are read back as they were sent", () => {
  const params = { min_iou: 0.3, plugins: { cellpose: { diameter: 20 } } };
  const entries = flatten(params);
  assert.deepEqual(entries, [["min_iou", 0.3], ["cellpose.diameter", 20]]);
  assert.deepEqual(toParams(entries.map(([name, value]) => [name, { value, standard: undefined }])), params);
});

test("a new folder is none of those with results", () => {
  assert.equal(unusedName("a", ["b"]), "a");
  assert.equal(unusedName("a", ["a", "a_2", "b"]), "a_3");
});

test("values are shown as text", () => {
  assert.deepEqual([null, [], 3, "max", { phase: ["area", "size"], fluorescence: [] }].map(valueText),
    ["none", "none", "3", "max", "phase: area, size; fluorescence: none"]);
});

test("values are equal if what they hold is", () => {
  assert.ok(isEqual({ phase: ["area"] }, { phase: ["area"] }) && isEqual(null, null));
  assert.ok(!isEqual(["area"], ["area", "x"]) && !isEqual(1, "1"));
});
