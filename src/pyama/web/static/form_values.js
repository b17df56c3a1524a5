// The parameters of a run: what the JSON schema says about an input, and what was filled in.

import { formatNumber, formatTime } from "./numbers.js";

/**
 * A parameter, or a part of its type, in the JSON schema of the configuration.
 * @typedef {object} Property
 * @property {string} [type]
 * @property {Array<string | number>} [enum]
 * @property {string} [$ref]
 * @property {Array<Property>} [anyOf]
 * @property {any} [default]
 * @property {string} [description]
 * @property {string} [unit]
 * @property {string} [absent] Shown where nothing is filled in.
 * @property {number} [minimum]
 * @property {number} [exclusiveMinimum]
 * @property {number} [maximum]
 * @property {Record<string, Property>} [properties]
 * @property {Array<string>} [required]
 * @property {boolean} [isRequired]
 */

/**
 * Where a parameter, or the parameters of a method, are shown: where one of the names is chosen.
 * @typedef {Record<string, Record<string, Array<string>>>} Conditions
 */

/**
 * @typedef {object} Schema
 * @property {Record<string, Property>} $defs
 * @property {Record<string, Array<string>>} choices Names that are registered.
 * @property {{groups: Array<{title: string, names: Array<string>, channel: string}>,
 *   conditions: Conditions, trial: Array<string>}} form
 */

/**
 * Size of a pixel in µm and time between two frames in minutes; null if they are unknown.
 * @typedef {{pixelSize: number | null, interval: number | null}} Scale
 */

/**
 * What an input takes.
 * @typedef {object} InputType
 * @property {"choice" | "box" | "number" | "text"} kind
 * @property {Array<string | number>} names Of a choice.
 * @property {string} absent Shown where nothing is filled in; empty if a value is always there.
 * @property {Property} number Bounds of a number.
 * @property {boolean} isNullable
 */

/** Larger bounds are those of the computer; the user need not know them. */
const MOST_SHOWN = 2 ** 31 - 1;

/**
 * The types that a parameter can have.
 * @param {Property} property
 * @param {Schema} schema
 * @returns {Array<Property>}
 */
function typesOf(property, schema) {
  return (property.anyOf ?? [property]).map((part) => (part.$ref ? schema.$defs[part.$ref.split("/").pop() ?? ""] : part));
}

/**
 * What the input of a parameter takes; null for parameters that have no input.
 * @param {string} name
 * @param {Property} property
 * @param {Schema} schema
 * @param {boolean} [isRequired]
 * @returns {InputType | null}
 */
export function inputType(name, property, schema, isRequired = false) {
  const types = typesOf(property, schema);
  const number = types.find(({ type }) => type === "integer" || type === "number");
  const names = schema.choices[name] ?? types.find((part) => part.enum)?.enum;
  const isMissing = (property.default ?? null) === null;
  const absent = !isMissing ? "" : isRequired ? "choose …" : property.absent ?? "automatic";
  const has = (/** @type {string} */ wanted) => types.some(({ type }) => type === wanted);
  const common = { names: names ?? [], absent, number: number ?? {}, isNullable: has("null") };
  if (names && !number) return { kind: "choice", ...common };
  if (has("boolean")) return { kind: "box", ...common };
  if (number && !names && !has("string")) return { kind: "number", ...common };
  return names || has("string") ? { kind: "text", ...common } : null;
}

/**
 * The value of an input; undefined where nothing is filled in. Text that is a number is one.
 * @param {InputType} input
 * @param {{value: string, checked?: boolean}} filledIn
 */
export function readValue({ kind, names, isNullable }, { value, checked }) {
  if (kind === "choice") return value === "" ? undefined : names.find((name) => String(name) === value);
  if (kind === "box") return checked;
  if (kind === "number") return value === "" ? (isNullable ? null : undefined) : Number(value);
  return /^\d+(\.\d+)?$/.test(value) ? Number(value) : value || undefined;
}

/**
 * The least and the largest value of a number, and whether the least is not allowed itself.
 * @param {Property} number
 */
export function boundsOf({ minimum, exclusiveMinimum, maximum }) {
  return {
    least: minimum ?? exclusiveMinimum,
    most: maximum !== undefined && maximum < MOST_SHOWN ? maximum : undefined,
    isExclusive: exclusiveMinimum !== undefined,
  };
}

/**
 * What an input of a number takes.
 * @param {Pick<HTMLInputElement, "step" | "min" | "max">} input
 */
export function numberText({ step, min, max }) {
  return [step === "1" ? "a whole number" : "a number", min && `from ${min}`, max && `to ${max}`].filter(Boolean).join(" ");
}

/**
 * Description, unit and bounds of a parameter.
 * @param {Property} property
 * @param {InputType} input
 * @param {Schema} schema
 */
export function helpText(property, { kind, number }, schema) {
  const unit = property.unit ?? typesOf(property, schema).find((part) => part.unit)?.unit;
  const { least, most, isExclusive } = boundsOf(number);
  const bounds = [
    least === undefined ? "" : `${isExclusive ? "above" : "from"} ${least}`,
    most === undefined ? "" : `to ${most}`,
  ].filter(Boolean).join(" ");
  return [
    withoutMarks(property.description).replaceAll(/\bnull\b/g, "empty"),
    unit && unit !== "1" && kind !== "text" ? `Unit: ${unit}.` : "",
    kind === "number" && bounds ? `Allowed: ${bounds}.` : "",
  ].filter(Boolean).join(" ");
}

/**
 * A description without the marks of code.
 * @param {string} [description]
 */
export const withoutMarks = (description = "") => description.replaceAll("`", "");

/**
 * Values as in a configuration: those at their default are left out, those of methods and plugins
 * (`plugin.name`) are below `plugins`.
 * @param {Iterable<[string, {value: unknown, standard: unknown}]>} entries Names, values and defaults.
 */
export function toParams(entries) {
  /** @type {Record<string, any>} */
  const params = {};
  for (const [name, { value, standard }] of entries) {
    if (value === undefined || JSON.stringify(value) === JSON.stringify(standard ?? null)) continue;
    const [plugin, key] = name.split(".");
    if (key === undefined) params[name] = value;
    else ((params.plugins ??= {})[plugin] ??= {})[key] = value;
  }
  return params;
}

/**
 * Parameters of a configuration by name, those of methods and plugins as `plugin.name`.
 * @param {Record<string, any>} params
 * @returns {Array<[string, unknown]>}
 */
export function flatten({ plugins = {}, ...params }) {
  const own = Object.entries(plugins).flatMap(([plugin, values]) =>
    Object.entries(values).map(([key, value]) => /** @type {[string, unknown]} */ ([`${plugin}.${key}`, value])));
  return [...Object.entries(params), ...own];
}

/**
 * Whether the chosen methods read a parameter.
 * @param {string} name
 * @param {Conditions} conditions
 * @param {Record<string, Array<string>>} chosen
 */
export function isShown(name, conditions, chosen) {
  const condition = conditions[name] ?? conditions[name.split(".")[0]];
  return !condition || Object.entries(condition).some(([chooser, names]) => (chosen[chooser] ?? []).some((each) => names.includes(each)));
}

/**
 * @param {unknown} one
 * @param {unknown} other
 */
export const isEqual = (one, other) => JSON.stringify(one) === JSON.stringify(other);

/**
 * A number of pixels in µm, and one of frames in minutes or hours; empty for other values.
 * @param {unknown} value
 * @param {string} unit
 * @param {Scale} scale
 */
export function inUnits(value, unit, { pixelSize, interval }) {
  if (typeof value !== "number") return "";
  if (unit === "px" && pixelSize) return `= ${formatNumber(value * pixelSize)} µm. `;
  if (unit === "px²" && pixelSize) return `= ${formatNumber(value * pixelSize ** 2)} µm². `;
  return unit === "frames" && interval && value ? `= ${formatTime(value * interval)}. ` : "";
}

/**
 * A value of a parameter as text, such as `phase: area, aspect_ratio`.
 * @param {unknown} value
 * @returns {string}
 */
export function valueText(value) {
  if (value === null || value === undefined) return "none";
  if (Array.isArray(value)) return value.join(", ") || "none";
  if (typeof value !== "object") return String(value);
  return Object.entries(value).map(([name, each]) => `${name}: ${valueText(each)}`).join("; ");
}
