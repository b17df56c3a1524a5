// The parameters of a run as a form, made from the JSON schema of the configuration.

import { element, fill } from "./api.js";

let schema = null;
const fields = new Map();

// Returns the groups of the form, to be put into the page.
export function groups(given) {
  schema = given;
  const { plugins, features, preprocessors, frames, ...properties } = schema.$defs.ProcessingParams.properties; // frames: beside the FOVs
  const made = GROUPS.map(([title, pattern]) => {
    const names = Object.keys(properties).filter((name) => pattern.test(name)).sort((a, b) => b.endsWith("_method") - a.endsWith("_method"));
    const rows = names.flatMap((name) => field(name, properties[name]) ?? []);
    for (const name of names) delete properties[name];
    return rows.length ? group(title, ...rows) : "";
  });
  return [...made, measured(features, preprocessors), ...Object.entries(plugins.properties).map(own)];
}

// Returns what was filled in, as in a configuration; defaults are left out.
export function params() {
  const found = {};
  for (const [name, { read, standard }] of fields) {
    const value = read();
    if (value === undefined || JSON.stringify(value) === JSON.stringify(standard ?? null)) continue;
    const [plugin, key] = name.split(".");
    if (key === undefined) found[name] = value;
    else ((found.plugins ??= {})[plugin] ??= {})[key] = value;
  }
  return found;
}

// Makes the input of one parameter from the schema, with its unit, bounds and help.
function field(name, property, required = false) {
  const id = `p-${name}`;
  const made = inputOf(name, property, id, required);
  if (!made) return null;
  const { input, read, most } = made;
  input.setAttribute("aria-describedby", `${id}-help`);
  fields.set(name, { read, standard: property.default });
  return [
    element("label", { htmlFor: id }, name.replace(/^.*\./, "").replaceAll("_", " ")), input,
    element("span", { className: "help", id: `${id}-help` }, helpOf(property, input, most)),
  ];
}

const partsOf = (property) => (property.anyOf ?? [property]).map((part) => (part.$ref ? schema.$defs[part.$ref.split("/").pop()] : part));

function inputOf(name, property, id, required) {
  const parts = partsOf(property);
  const standard = property.default;
  const numeric = parts.find(({ type }) => type === "integer" || type === "number");
  const names = schema.choices[name] ?? parts.find((part) => part.enum)?.enum;
  const isMissing = standard === undefined || standard === null;
  if (names && !numeric) {
    const input = element("select", { id });
    fill(input, [...(isMissing ? [["", required ? "choose …" : property.absent ?? "automatic"]] : []), ...names.map((choice) => [choice, choice])], standard);
    return { input, read: () => (input.value === "" ? undefined : names.find((choice) => String(choice) === input.value)) };
  }
  if (parts.some(({ type }) => type === "boolean")) {
    const input = element("input", { id, type: "checkbox", checked: standard === true });
    return { input, read: () => input.checked };
  }
  if (numeric && !names) {
    const { minimum, exclusiveMinimum, maximum, type } = numeric;
    const input = element("input", { id, type: "number", step: type === "integer" ? 1 : "any", value: standard ?? "", required,
      placeholder: isMissing && !required ? property.absent ?? "automatic" : "" });
    if ((minimum ?? exclusiveMinimum) !== undefined) input.min = minimum ?? exclusiveMinimum;
    if (maximum !== undefined && maximum < 2 ** 31 - 1) input.max = maximum;
    const none = parts.some((part) => part.type === "null") ? null : undefined;
    return { input, read: () => (input.value === "" ? none : Number(input.value)), most: exclusiveMinimum !== undefined };
  }
  if (!names && !parts.some(({ type }) => type === "string")) return null;
  const input = element("input", { id, type: "text", value: standard ?? "" });
  return { input, read: () => (/^\d+$/.test(input.value) ? Number(input.value) : input.value || undefined) };
}

function helpOf(property, input, isExclusive) {
  const unit = property.unit ?? partsOf(property).find((part) => part.unit)?.unit;
  const bounds = input.type === "number"
    ? [input.min !== "" ? `${isExclusive ? "above" : "from"} ${input.min}` : "", input.max !== "" ? `to ${input.max}` : ""].filter(Boolean).join(" ") : "";
  return [(property.description ?? "").replaceAll("`", ""), unit && unit !== "1" ? `Unit: ${unit}.` : "", bounds ? `Allowed: ${bounds}.` : ""].filter(Boolean).join(" ");
}

const GROUPS = [
  ["Finding cells", /^(segmentation_method|logstd|morph|closing|erosion|min_object|max_object|split_h|z$)/],
  ["Following cells", /^(tracking_method|registration|min_iou|max_gap|min_size|max_size|divisions)/],
  ["Background and light", /^(tile_|background_|flat_field$|dark_frame$)/],
  ["Traces", /^(min_frames|border_margin)/],
  ["Time and computer", /^(frame_interval|pixel_size_um|n_workers|batch_size|plugin_timeout|seed|copy_only)/],
  ["Other", /^(?!plugins|preprocessors|features|time_mapping)/],
];
const group = (title, ...rows) => element("details", {}, element("summary", {}, title), element("div", { className: "form" }, ...rows));

// Boxes to tick, in the order in which they were ticked.
function boxes(title, names, ticked, change) {
  const order = [...ticked];
  return element("span", { className: "boxes", role: "group", "aria-label": title }, ...names.map((name) => element("label", { className: "check" },
    element("input", { type: "checkbox", value: name, checked: ticked.includes(name), onchange: ({ target }) => {
      const at = order.indexOf(name);
      if (target.checked && at < 0) order.push(name);
      else if (!target.checked && at >= 0) order.splice(at, 1);
      change(order);
    } }), name)));
}

function measured(features, preprocessors) {
  const { choices } = schema;
  const chosen = structuredClone(features.default);
  fields.set("features", { read: () => chosen, standard: features.default });
  const row = (kind, title) => [element("span", {}, title),
    boxes(`Features in ${title}`, choices[kind], chosen[kind], (order) => { chosen[kind] = order; })];
  const rows = [...row("phase", "phase contrast"), ...row("fluorescence", "fluorescence")];
  if (choices.preprocessors.length) {
    let before = [];
    fields.set("preprocessors", { read: () => before, standard: [] });
    rows.push(element("span", {}, "preprocessors"), boxes("Preprocessors", choices.preprocessors, [], (order) => { before = [...order]; }),
      element("span", { className: "help" }, preprocessors.description.replaceAll("`", "")));
  }
  return group("What is measured", ...rows);
}

// Parameters of a single method, feature or plugin.
function own([name, { properties, required = [], description = "" }]) {
  const rows = Object.entries(properties).flatMap(([key, property]) => field(`${name}.${key}`, property, required.includes(key)) ?? []);
  return rows.length ? group(`Parameters of ${name}`, element("span", { className: "help" }, description.split("\n\n")[0].replaceAll("`", "")), ...rows) : "";
}
