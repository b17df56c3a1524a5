// The parameters of a run as a form, made from the JSON schema of the configuration.

import { element, fillSelect } from "./elements.js";
import { boundsOf, helpText, inputType, readValue, toParams, withoutMarks } from "./form_values.js";

/** @typedef {import("./form_values.js").Schema} Schema */
/** @typedef {import("./form_values.js").Property} Property */

/** @type {Map<string, {read: () => unknown, standard: unknown}>} */
const fields = new Map();

/** @type {Array<[string, RegExp]>} Titles of groups, and which parameters belong there. */
const GROUPS = [
  ["Finding cells", /^(segmentation_method|logstd|morph|closing|erosion|min_object|max_object|split_h|z$)/],
  ["Following cells", /^(tracking_method|registration|min_iou|max_gap|min_size|max_size|divisions)/],
  ["Background and light", /^(tile_|background_|flat_field$|dark_frame$)/],
  ["Traces", /^(min_frames|border_margin)/],
  ["Time and computer", /^(frame_interval|pixel_size_um|n_workers|batch_size|plugin_timeout|seed|copy_only)/],
  ["Other", /^(?!plugins|preprocessors|features|time_mapping)/],
];

/**
 * Makes the groups of the form, to be put into the page.
 * @param {Schema} schema
 * @returns {Array<Node | string>}
 */
export function makeForm(schema) {
  // Frames have an input beside the fields of view.
  const { plugins, features, preprocessors, frames, ...properties } = schema.$defs.ProcessingParams.properties ?? {};
  const groups = GROUPS.map(([title, pattern]) => {
    const names = Object.keys(properties).filter((name) => pattern.test(name))
      .sort((a, b) => Number(b.endsWith("_method")) - Number(a.endsWith("_method")));
    const rows = names.flatMap((name) => makeField(name, properties[name], schema));
    for (const name of names) delete properties[name];
    return rows.length ? makeGroup(title, rows) : "";
  });
  return [...groups, makeFeatures(features, preprocessors, schema),
    ...Object.entries(plugins.properties ?? {}).map(([name, plugin]) => makePluginGroup(name, plugin, schema))];
}

/** What was filled in, as in a configuration; defaults are left out. */
export function readParams() {
  return toParams([...fields].map(([name, { read, standard }]) => [name, { value: read(), standard }]));
}

/**
 * Makes the label, the input and the help of one parameter; nothing for one that has no input.
 * @param {string} name
 * @param {Property} property
 * @param {Schema} schema
 * @returns {Array<Node>}
 */
function makeField(name, property, schema, isRequired = false) {
  const type = inputType(name, property, schema, isRequired);
  if (!type) return [];
  const id = `p-${name}`;
  const input = makeInput(type, property, { id, "aria-describedby": `${id}-help` }, isRequired);
  fields.set(name, { read: () => readValue(type, input), standard: property.default });
  return [
    element("label", { htmlFor: id }, name.replace(/^.*\./, "").replaceAll("_", " ")), input,
    element("span", { className: "help", id: `${id}-help` }, helpText(property, type, schema)),
  ];
}

/**
 * @param {import("./form_values.js").InputType} type
 * @param {Property} property
 * @param {Record<string, string>} attributes
 * @param {boolean} isRequired
 */
function makeInput({ kind, names, absent, number }, { default: standard }, attributes, isRequired) {
  if (kind === "choice") {
    const input = element("select", attributes);
    const empty = /** @type {Array<[unknown, unknown]>} */ (absent ? [["", absent]] : []);
    fillSelect(input, [...empty, ...names.map((name) => /** @type {[unknown, unknown]} */ ([name, name]))], standard);
    return input;
  }
  if (kind === "box") return element("input", { ...attributes, type: "checkbox", checked: standard === true });
  if (kind === "text") return element("input", { ...attributes, type: "text", value: standard ?? "" });
  const { least, most } = boundsOf(number);
  const input = element("input", { ...attributes, type: "number", step: number.type === "integer" ? 1 : "any",
    value: standard ?? "", required: isRequired, placeholder: isRequired ? "" : absent });
  if (least !== undefined) input.min = `${least}`;
  if (most !== undefined) input.max = `${most}`;
  return input;
}

/**
 * @param {string} title
 * @param {Array<Node | string>} rows
 */
function makeGroup(title, rows) {
  return element("details", {}, element("summary", {}, title), element("div", { className: "form" }, ...rows));
}

/**
 * Makes boxes to tick; `take` is called with the names in the order in which they were ticked.
 * @param {string} title
 * @param {Array<string>} names
 * @param {Array<string>} ticked
 * @param {(order: Array<string>) => void} take
 */
function makeBoxes(title, names, ticked, take) {
  const order = new Set(ticked);
  const labels = names.map((name) => {
    const box = element("input", { type: "checkbox", value: name, checked: order.has(name) });
    box.addEventListener("change", () => {
      if (box.checked) order.add(name);
      else order.delete(name);
      take([...order]);
    });
    return element("label", { className: "check" }, box, name);
  });
  return element("span", { className: "boxes", role: "group", "aria-label": title }, ...labels);
}

/**
 * @param {Property} features
 * @param {Property} preprocessors
 * @param {Schema} schema
 */
function makeFeatures(features, preprocessors, { choices }) {
  const chosen = structuredClone(features.default);
  fields.set("features", { read: () => chosen, standard: features.default });
  const rows = [["phase", "phase contrast"], ["fluorescence", "fluorescence"]].flatMap(([kind, title]) => [
    element("span", {}, title),
    makeBoxes(`Features in ${title}`, choices[kind], chosen[kind], (order) => { chosen[kind] = order; }),
  ]);
  if (choices.preprocessors.length) {
    /** @type {Array<string>} */
    let chain = [];
    fields.set("preprocessors", { read: () => chain, standard: [] });
    rows.push(element("span", {}, "preprocessors"), makeBoxes("Preprocessors", choices.preprocessors, [], (order) => { chain = order; }),
      element("span", { className: "help" }, withoutMarks(preprocessors.description)));
  }
  return makeGroup("What is measured", rows);
}

/**
 * Makes the parameters of a single method, feature or plugin.
 * @param {string} name
 * @param {Property} plugin
 * @param {Schema} schema
 */
function makePluginGroup(name, { properties = {}, required = [], description = "" }, schema) {
  const rows = Object.entries(properties).flatMap(([key, property]) => makeField(`${name}.${key}`, property, schema, required.includes(key)));
  const help = element("span", { className: "help" }, withoutMarks(description.split("\n\n")[0]));
  return rows.length ? makeGroup(`Parameters of ${name}`, [help, ...rows]) : "";
}
