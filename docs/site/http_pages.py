"""The page of the HTTP interface of `pyama view`, from its schema."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pyama.web.application import create_app

HEAD = """# HTTP interface

What the server of `pyama view` answers. [The viewer in the browser](../web.md) says how a
program gets access. The running server has the complete schema at `/openapi.json`, and shows
it at `/docs`. [Objects](#objects) are at the end of this page.

"""
Schema = Mapping[str, Any]


def http_page() -> str:
    """Return the page."""
    api = create_app(Path(), "token").openapi()
    parts = [HEAD]
    for path, methods in api["paths"].items():
        for method, entry in methods.items():
            parts += _request(path, method, entry)
    parts += ["## Objects", ""]
    for name, schema in api["components"]["schemas"].items():
        parts += _object(name, schema)
    return "\n".join(parts) + "\n"


def _request(path: str, method: str, entry: Schema) -> Iterator[str]:
    yield f"## {method.upper()} {path}".replace("{", r"\{").replace("}", r"\}")
    yield ""
    yield entry.get("description", entry.get("summary", ""))
    yield ""
    if parameters := entry.get("parameters"):
        yield from ("| parameter | in | type | meaning |", "|---|---|---|---|")
        yield from (_parameter(parameter) for parameter in parameters)
        yield ""
    if body := _of_json(entry.get("requestBody", {})):
        yield from (f"Body: {_kind(body)}.", "")
    for status, answer in entry["responses"].items():
        if (schema := _of_json(answer)) and status.startswith("2"):
            yield from (f"Answer: {_kind(schema)}.", "")


def _of_json(part: Schema) -> Schema:
    schema: Schema = part.get("content", {}).get("application/json", {}).get("schema", {})
    return schema


def _parameter(parameter: Schema) -> str:
    kind = _kind(parameter.get("schema", {}))
    needed = "" if parameter.get("required") else ", optional"
    meaning = _cell(parameter.get("description", ""))
    return f"| `{parameter['name']}` | {parameter['in']} | {kind}{needed} | {meaning} |"


def _object(name: str, schema: Schema) -> Iterator[str]:
    yield from (f"### {name}", "", schema.get("description", ""), "")
    if "enum" in schema:
        yield from (f"One of {', '.join(f'`{value}`' for value in schema['enum'])}.", "")
    if fields := schema.get("properties"):
        yield from ("| field | type | meaning |", "|---|---|---|")
        for field, entry in fields.items():
            yield f"| `{field}` | {_kind(entry)} | {_cell(entry.get('description', ''))} |"
        yield ""


def _kind(schema: Schema) -> str:
    """Return the type of a value in words, with links to objects."""
    if reference := schema.get("$ref", "").rpartition("/")[2]:
        return f"[{reference}](#{reference.lower()})"
    if options := schema.get("anyOf", schema.get("oneOf")):
        return " or ".join(dict.fromkeys(map(_kind, options)))
    if "const" in schema or "enum" in schema:
        values = schema.get("enum", [schema.get("const")])
        return " or ".join(f"`{value}`" for value in values)
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    values = schema.get("additionalProperties")
    if isinstance(values, dict) and values:
        return f"object, each value {_kind(values)}"
    return str(schema.get("type", "any value"))


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", r"\|")
