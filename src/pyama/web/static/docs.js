// The HTTP interface, listed from its OpenAPI description.

import { card, element, find } from "./elements.js";

/**
 * A request, as OpenAPI describes it.
 * @typedef {object} Operation
 * @property {string} [description]
 * @property {string} [summary]
 * @property {Array<Parameter>} [parameters]
 */

/** @typedef {{name: string, required: boolean, description?: string, schema: {type?: string, $ref?: string, default?: unknown, description?: string}}} Parameter */

/** @param {Parameter} parameter */
function makeRow({ name, required, description, schema }) {
  const type = schema.type ?? schema.$ref?.split("/").pop() ?? "";
  return element("tr", {},
    element("td", {}, element("code", {}, name)),
    element("td", {}, required ? type : `${type}, default ${JSON.stringify(schema.default)}`),
    element("td", {}, description ?? schema.description ?? ""));
}

/** @type {{paths: Record<string, Record<string, Operation>>}} */
const { paths } = await (await fetch("/openapi.json")).json();
for (const [path, methods] of Object.entries(paths)) {
  for (const [method, { description, summary, parameters = [] }] of Object.entries(methods)) {
    find("routes").append(card(`${method.toUpperCase()} ${path}`,
      element("p", {}, description ?? summary ?? ""),
      element("table", {}, ...parameters.map(makeRow))));
  }
}
