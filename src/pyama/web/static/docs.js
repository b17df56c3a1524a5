// The HTTP interface, listed from its OpenAPI description.

import { element, find } from "./api.js";

const { paths } = await (await fetch("/openapi.json")).json();
for (const [path, methods] of Object.entries(paths)) {
  for (const [method, { description, summary, parameters = [] }] of Object.entries(methods)) {
    find("routes").append(element("div", { className: "card" },
      element("h2", {}, `${method.toUpperCase()} ${path}`),
      element("p", {}, description ?? summary ?? ""),
      element("table", {}, ...parameters.map(({ name, required, description: meaning, schema }) => element("tr", {},
        element("td", {}, element("code", {}, name)),
        element("td", {}, `${schema.type ?? schema.$ref?.split("/").pop() ?? ""}${required ? "" : `, default ${JSON.stringify(schema.default)}`}`),
        element("td", {}, meaning ?? schema.description ?? ""))))));
  }
}
