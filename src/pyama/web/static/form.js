// The parameters of a run as a form, made from the JSON schema of the configuration.

import { element, fillSelect, find } from "./elements.js";
import { boundsOf, flatten, helpText, inputType, inUnits, isEqual, isShown, numberText, readValue, toParams, valueText, withoutMarks } from "./form_values.js";

/** @typedef {import("./form_values.js").Schema} Schema */
/** @typedef {import("./form_values.js").Property} Property */
/** @typedef {import("./form_values.js").Scale} Scale */

/**
 * An input with what stands beside it.
 * @typedef {object} Field
 * @property {() => unknown} read
 * @property {(value: unknown) => boolean} write Whether the input can show the value.
 * @property {unknown} standard The default.
 * @property {string} [unit]
 * @property {HTMLElement} [units] Shows the value in other units.
 * @property {Array<HTMLElement>} parts
 */

/** @type {Map<string, Field>} */
const fields = new Map();
/** @type {Map<string, unknown>} Values of earlier results that no input can show. */
const withoutInput = new Map();
/** @type {Array<{box: HTMLElement, names: Array<string>, channel: string}>} */
const groups = [];
/** @type {Schema} */
let schema;

/**
 * Makes the groups of the form, to be put into the page.
 * @param {Schema} form
 * @returns {Array<Node | string>}
 */
export function makeForm(form) {
  schema = form;
  const { plugins, features, preprocessors, ...properties } = schema.$defs.ProcessingParams.properties ?? {};
  delete properties.frames; // has an input beside the fields of view
  for (const [name, { properties: own = {}, required = [] }] of Object.entries(plugins.properties ?? {})) {
    for (const [key, property] of Object.entries(own)) properties[`${name}.${key}`] = { ...property, isRequired: required.includes(key) };
  }
  const made = schema.form.groups.map(({ title, names, channel }) => {
    const known = names.filter((name) => properties[name]);
    const rows = known.flatMap((name) => makeField(name, properties[name]));
    for (const name of known) delete properties[name];
    return makeGroup(title, rows, known, channel);
  });
  const measured = makeFeatures(features, preprocessors);
  return [...made, measured, ...Object.entries(plugins.properties ?? {}).map(([name, plugin]) => makePluginGroup(name, plugin, properties))];
}

/** What was filled in, as in a configuration; defaults are left out. */
export function readParams() {
  /** @type {Map<string, {value: unknown, standard: unknown}>} */
  const values = new Map();
  for (const [name, { read, standard }] of fields) values.set(name, { value: read(), standard });
  for (const [name, value] of withoutInput) values.set(name, { value, standard: undefined });
  return toParams(values);
}

/**
 * Checks the inputs, and goes to the first whose value cannot be used, unless somebody is typing.
 * @throws {Error} What it takes, by the name that the form shows.
 */
export function checkFields(isTyping = false) {
  for (const { parts: [label, input] } of fields.values()) {
    if (!(input instanceof HTMLInputElement) || input.hidden || input.validity.valid) continue;
    const group = input.closest("details");
    if (group && !isTyping) group.open = true;
    if (!isTyping) input.focus();
    throw new Error(`${label.textContent}: expected ${numberText(input)}.`);
  }
}

/**
 * Fills in parameters as in a configuration; those that are left out get their default.
 * @param {Record<string, any>} params
 */
export function fillParams(params) {
  withoutInput.clear();
  for (const { write, standard } of fields.values()) write(standard);
  for (const [name, value] of flatten(params)) setParam(name, value);
}

/**
 * @param {string} name
 * @param {unknown} value
 */
export function setParam(name, value) {
  const field = fields.get(name);
  withoutInput.delete(name);
  if (field?.write(value)) return;
  field?.write(field.standard);
  withoutInput.set(name, value);
}

/** @param {string} name */
function resetParam(name) {
  withoutInput.delete(name);
  const field = fields.get(name);
  field?.write(field.standard);
}

/**
 * A setting that differs from its default, and a function that sets it back.
 * @typedef {{name: string, value: unknown, standard: unknown, isUsed: boolean, reset: () => void}} Change
 */

/** @returns {Array<Change>} */
function changedParams() {
  const shown = choices();
  return flatten(readParams()).map(([name, value]) => ({
    name, value, standard: fields.get(name)?.standard, reset: () => resetParam(name),
    isUsed: isShown(name, schema.form.conditions, shown),
  }));
}

/** The values of a run on which a trial depends, to compare them. */
export function trialKey() {
  const names = new Set(schema.form.trial);
  return JSON.stringify(flatten(readParams()).filter(([name]) => names.has(name) || names.has(name.split(".")[0])));
}

/** The names that are chosen, by what they are chosen for. */
function choices() {
  const { phase = [], fluorescence = [] } = /** @type {Record<string, Array<string>>} */ (fields.get("features")?.read() ?? {});
  const chosen = (/** @type {string} */ name) => /** @type {any} */ (fields.get(name)?.read());
  return { phase, fluorescence, preprocessors: chosen("preprocessors") ?? [],
    segmentation_method: [chosen("segmentation_method")], tracking_method: [chosen("tracking_method")] };
}

/**
 * Shows the parameters that the chosen methods read, and their values in other units.
 * @param {{pc: boolean, fl: boolean, scale: Scale}} recording Which channels are chosen, and
 *   the scale of the recording where the form does not set one.
 */
export function updateForm({ pc, fl, scale }) {
  const chosen = choices();
  for (const [name, { parts, unit, units, read }] of fields) {
    const isHidden = !isShown(name, schema.form.conditions, chosen);
    for (const part of parts) part.hidden = isHidden;
    if (units) units.textContent = inUnits(read(), unit ?? "", ownScale(scale));
  }
  for (const { box, names, channel } of groups) {
    const hasShown = names.some((name) => isShown(name, schema.form.conditions, chosen));
    box.hidden = !hasShown || (channel === "pc" && !pc) || (channel === "fl" && !fl);
  }
}

/**
 * @param {Scale} scale
 * @returns {Scale}
 */
function ownScale({ pixelSize, interval }) {
  const set = (/** @type {string} */ name) => /** @type {number | null | undefined} */ (fields.get(name)?.read());
  return { pixelSize: set("pixel_size_um") ?? pixelSize, interval: interval && (set("frame_interval") ?? interval) };
}

/**
 * Makes the label, the input and the help of one parameter; nothing for one that has no input.
 * @param {string} name
 * @param {Property} property
 * @returns {Array<HTMLElement>}
 */
function makeField(name, property) {
  const type = inputType(name, property, schema, property.isRequired);
  if (!type) return [];
  const id = `p-${name}`;
  const input = makeInput(type, property, { id, "aria-describedby": `${id}-help` });
  input.addEventListener("input", () => withoutInput.delete(name));
  const units = element("span", { className: "units" });
  const parts = [
    element("label", { htmlFor: id }, name.replace(/^.*\./, "").replaceAll("_", " ")), input,
    element("span", { className: "help", id: `${id}-help` }, units, helpText(property, type, schema)),
  ];
  const write = (/** @type {unknown} */ value) => {
    if (input instanceof HTMLInputElement && type.kind === "box") input.checked = value === true;
    else input.value = value === undefined || value === null ? "" : String(value);
    return isEqual(readValue(type, input) ?? null, value ?? null);
  };
  fields.set(name, { read: () => readValue(type, input), write, standard: property.default, unit: type.number.unit ?? property.unit, units, parts });
  return parts;
}

/**
 * @param {import("./form_values.js").InputType} type
 * @param {Property} property
 * @param {Record<string, string>} attributes
 */
function makeInput({ kind, names, absent, number }, { default: standard, isRequired = false }, attributes) {
  if (kind === "choice") {
    const input = element("select", attributes);
    const empty = /** @type {Array<[unknown, unknown]>} */ (absent ? [["", absent]] : []);
    fillSelect(input, [...empty, ...names.map((name) => /** @type {[unknown, unknown]} */ ([name, name]))], standard);
    return input;
  }
  if (kind === "box") return element("input", { ...attributes, type: "checkbox", checked: standard === true });
  if (kind === "text") return element("input", { ...attributes, type: "text", value: standard ?? "", placeholder: absent });
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
 * @param {Array<string>} names Of the parameters in it.
 */
function makeGroup(title, rows, names, channel = "") {
  if (!rows.length) return "";
  const box = element("details", {}, element("summary", {}, title), element("div", { className: "form" }, ...rows));
  groups.push({ box, names, channel });
  return box;
}

/**
 * Makes boxes to tick, which give the names in the order in which they were ticked.
 * @param {string} title
 * @param {Array<string>} names
 */
function makeBoxes(title, names) {
  /** @type {Set<string>} */
  const order = new Set();
  const boxes = names.map((name) => {
    const box = element("input", { type: "checkbox", value: name });
    box.addEventListener("change", () => {
      if (box.checked) order.add(name);
      else order.delete(name);
    });
    return box;
  });
  const write = (/** @type {Array<string>} */ ticked) => {
    order.clear();
    for (const name of ticked) order.add(name);
    for (const box of boxes) box.checked = order.has(box.value);
    return ticked.every((name) => names.includes(name));
  };
  const labels = boxes.map((box) => element("label", { className: "check" }, box, box.value));
  return { write, read: () => [...order], box: element("span", { className: "boxes", role: "group", "aria-label": title }, ...labels) };
}

/**
 * @param {Property} features
 * @param {Property} preprocessors
 */
function makeFeatures(features, preprocessors) {
  const kinds = /** @type {const} */ ([["phase", "phase contrast"], ["fluorescence", "fluorescence"]]);
  const boxes = kinds.map(([kind, title]) => /** @type {const} */ ([kind, title, makeBoxes(`Features in ${title}`, schema.choices[kind])]));
  const rows = boxes.flatMap(([, title, { box }]) => [element("span", {}, title), box]);
  const write = (/** @type {any} */ value) => boxes.map(([kind, , each]) => each.write(value[kind] ?? [])).every(Boolean);
  fields.set("features", { read: () => Object.fromEntries(boxes.map(([kind, , { read }]) => [kind, read()])), write, standard: features.default, parts: [] });
  write(features.default);
  if (schema.choices.preprocessors.length) {
    const chain = makeBoxes("Preprocessors", schema.choices.preprocessors);
    fields.set("preprocessors", { read: chain.read, write: (value) => chain.write(/** @type {any} */ (value ?? [])), standard: [], parts: [] });
    rows.push(element("span", {}, "preprocessors"), chain.box, element("span", { className: "help" }, withoutMarks(preprocessors.description)));
  }
  return makeGroup("What is measured", rows, ["features", "preprocessors"]);
}

/**
 * Makes the parameters of a feature or preprocessor.
 * @param {string} name
 * @param {Property} plugin
 * @param {Record<string, Property>} properties Those that are in no group yet.
 */
function makePluginGroup(name, { description = "" }, properties) {
  const names = Object.keys(properties).filter((each) => each.startsWith(`${name}.`));
  const rows = names.flatMap((each) => makeField(each, properties[each]));
  const help = element("span", { className: "help" }, withoutMarks(description.split("\n\n")[0]));
  return rows.length ? makeGroup(`Parameters of ${name}`, [help, ...rows], names) : "";
}

/**
 * Shows what differs from the defaults, each with a button that sets it back.
 * @param {() => void} onReset
 * @param {Array<Change>} others Settings that are no parameters.
 */
export function showChanges(onReset, others) {
  const changes = [...others, ...changedParams()];
  find("run-changes").hidden = !changes.length;
  find("run-changes").replaceChildren(element("span", {}, "Differs from the defaults: "), ...changes.map(({ name, value, standard, isUsed, reset }) =>
    element("button", { title: `Set back to ${valueText(standard)}`, "aria-label": `Set ${name} = ${valueText(value)} back to ${valueText(standard)}`,
      onclick: () => { reset(); onReset(); } }, `${name} = ${valueText(value)}${isUsed ? "" : " (not used)"} ↺`)));
}
