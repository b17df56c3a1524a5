"""The page of the HTTP interface of `pyama view`, from its schema."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pyama.web.application import create_app

HEAD = """# HTTP interface

What the server of `pyama view` answers. [The viewer in the browser](../web.md) says how a
program gets access. The running server has the complete schema at `/openapi.json`, and shows
it at `/docs`.

"""


def http_page() -> str:
    """Return the page."""
    paths = create_app(Path(), "token").openapi()["paths"]
    parts = [HEAD]
    for path, methods in paths.items():
        for method, entry in methods.items():
            parts += _request(path, method, entry)
    return "\n".join(parts) + "\n"


def _request(path: str, method: str, entry: Mapping[str, Any]) -> Iterator[str]:
    yield f"## {method.upper()} {path}".replace("{", r"\{").replace("}", r"\}")
    yield ""
    yield entry.get("description", entry.get("summary", ""))
    yield ""
    if parameters := entry.get("parameters"):
        yield from ("| parameter | in | type | meaning |", "|---|---|---|---|")
        yield from (_row(parameter) for parameter in parameters)
    yield ""


def _row(parameter: Mapping[str, Any]) -> str:
    schema = parameter.get("schema", {})
    kinds = [option.get("type", "object") for option in schema.get("anyOf", [schema])]
    meaning = " ".join(parameter.get("description", "").split()).replace("|", r"\|")
    required = "" if parameter.get("required") else ", optional"
    kind = " or ".join(kind for kind in kinds if kind != "null") + required
    return f"| `{parameter['name']}` | {parameter['in']} | {kind} | {meaning} |"
