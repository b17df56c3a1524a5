"""Types for the scripts of the page, made from the server and from the page itself.

`python dev.py python tests/javascript/type_files.py` writes them again:

* `api.d.ts` holds the requests and answers of the server, from its OpenAPI description;
* `elements.d.ts` holds the ids of the elements, from `index.html` and the scripts.
"""

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from pyama.web.application import STATIC, create_app

FOLDER = Path(__file__).parent
HEAD = f"// Written by tests/javascript/{Path(__file__).name}; do not change it by hand.\n\n"
MADE = re.compile(r'element\("(\w+)", \{ id: "([\w-]+)"')
PLAIN = {"string": "string", "integer": "number", "number": "number"}
PLAIN |= {"boolean": "boolean", "null": "null"}
JSON = "application/json"
Schema = dict[str, Any]


def typescript(schema: Schema) -> str:
    """Return the type of TypeScript for a JSON schema."""
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    if "enum" in schema or "const" in schema:
        return " | ".join(f'"{value}"' for value in schema.get("enum", [schema.get("const")]))
    if parts := schema.get("anyOf", schema.get("oneOf")):
        return " | ".join(dict.fromkeys(map(typescript, parts)))
    kind = schema.get("type")
    if kind == "array":
        if "prefixItems" in schema:
            return f"[{', '.join(map(typescript, schema['prefixItems']))}]"
        return f"Array<{typescript(schema['items'])}>"
    if kind == "object" and "properties" in schema:
        return f"{{ {' '.join(fields(schema))} }}"
    if kind == "object":
        values = schema.get("additionalProperties")
        return f"Record<string, {typescript(values) if isinstance(values, dict) else 'any'}>"
    return PLAIN.get(kind or "", "any")


def fields(schema: Schema) -> list[str]:
    """Return the fields of an object, one text each."""
    required = schema.get("required", ())
    return [
        f"{name}{'' if name in required else '?'}: {typescript(entry)};"
        for name, entry in schema["properties"].items()
    ]


def interface(name: str, schema: Schema) -> str:
    """Return the type of one model of the server."""
    comment = " ".join(schema.get("description", "").split("\n\n")[0].split())
    lines = [f"/** {comment} */"] if comment else []
    if "properties" not in schema:
        return "\n  ".join([*lines, f"type {name} = {typescript(schema)};"])
    rows = [f"  {field}" for field in fields(schema)]
    return "\n  ".join([*lines, f"interface {name} {{", *rows, "}"])


def path_type(path: str, parameters: list[Schema]) -> str:
    """Return the type of a path below `/api/`, such as `fovs/${number}/tracks`."""
    text = path.removeprefix("/api/")
    for parameter in parameters:
        if parameter["in"] == "path":
            kind = typescript(parameter["schema"])
            text = text.replace(f"{{{parameter['name']}}}", f"${{{kind}}}")
    return f"`{text}`" if "$" in text else f'"{text}"'


def query_type(parameters: list[Schema]) -> str:
    """Return the argument for the query of a request, such as `query?: { dir?: string; }`."""
    query = [entry for entry in parameters if entry["in"] == "query"]
    required = [entry["name"] for entry in query if entry["required"]]
    properties = {entry["name"]: entry["schema"] for entry in query}
    types = fields({"properties": properties, "required": required})
    inside = f" {' '.join(types)} " if types else ""
    return f"query{'' if required else '?'}: {{{inside}}}"


def call(path: str, route: Schema) -> str | None:
    """Return the type of one request; None where its answer is not JSON."""
    answer = next(value for code, value in route["responses"].items() if code[0] == "2")
    if JSON not in (content := answer.get("content", {})):
        return None
    parameters = route.get("parameters", [])
    arguments = [f"path: {path_type(path, parameters)}", query_type(parameters)]
    if "requestBody" in route:
        body = typescript(route["requestBody"]["content"][JSON]["schema"])
        arguments[1] = arguments[1].replace("query?", "query")  # the body follows
        arguments.append(f"body: {body}")
    return f"({', '.join(arguments)}): Promise<{typescript(content[JSON]['schema'])}>;"


def calls(paths: Schema, method: str) -> str:
    """Return the type of `get` or `post`: one line per request."""
    routes = [(path, ways[method]) for path, ways in paths.items() if method in ways]
    found = [text for path, route in routes if (text := call(path, route))]
    return "\n    ".join([f"interface {method.title()} {{", *found]) + "\n  }"


def api_types() -> str:
    """Return the content of `api.d.ts`."""
    found = create_app(Path(), "token").openapi()
    models = sorted(found["components"]["schemas"].items())
    parts = [interface(name, schema) for name, schema in models]
    parts += [calls(found["paths"], method) for method in ("get", "post")]
    return "\n  ".join([f"{HEAD}declare namespace Api {{", *parts]) + "\n}\n"


class Ids(HTMLParser):
    """The tags of the elements of a page that have an id."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep the tag of an element with an id."""
        if name := dict(attrs).get("id"):
            self.tags[name] = tag


def element_types() -> str:
    """Return the content of `elements.d.ts`."""
    ids = Ids()
    for page in sorted(STATIC.glob("*.html")):
        ids.feed(page.read_text(encoding="utf-8"))
    for script in sorted(STATIC.glob("*.js")):
        made = MADE.findall(script.read_text(encoding="utf-8"))
        ids.tags |= {name: tag for tag, name in made}
    rows = [
        f'  "{name}": HTMLElementTagNameMap["{tag}"];'
        for name, tag in sorted(ids.tags.items())
    ]
    head = f"{HEAD}/** Elements of the page by their ids. */\ninterface Elements {{"
    return "\n".join([head, *rows, "}\n"])


WRITTEN = {"api.d.ts": api_types, "elements.d.ts": element_types}

if __name__ == "__main__":
    for name, text in WRITTEN.items():
        (FOLDER / name).write_text(text(), encoding="utf-8", newline="\n")
