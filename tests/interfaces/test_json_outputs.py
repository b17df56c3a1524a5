"""What commands print with `--json` is what docs/json.md says."""

import json
import re
from pathlib import Path

import pytest

from pyama.cli.app import app
from results import results_in

PAGE = Path(__file__).parents[2] / "docs/json.md"
CHANNELS = ["--pc", "0", "--fl", "1"]
OPTIONS = [*CHANNELS, "--set", "min_frames=2", "--set", "border_margin=2"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = results_in(tmp_path_factory.mktemp("json"))
    samples = "samples: [{name: control, fovs: 0}, {name: drug, fovs: 1}]"
    (folder / "samples.yaml").write_text(samples)
    return folder


def commands(folder, movie):
    """The words of every command with `--json`, by the name of its schema, in order."""
    merged = [folder / "control_merged.csv", folder / "drug_merged.csv"]
    experiment = folder.parent / "experiment.yaml"
    text = f"experiment: test\nrecordings: [{{name: a, folder: {json.dumps(str(folder))}}}]\n"
    experiment.write_text(text + 'samples: [{name: control, fovs: "0"}]\n')
    return {
        "info": ["info", movie],
        "plan": ["plan", movie, "-o", folder.parent / "new", *OPTIONS],
        "run": ["run", movie, "-o", folder.parent / "new", "--fovs", "0", *OPTIONS],
        "status": ["status", folder],
        "verify": ["verify", folder, "--complete"],
        "export": ["export", "tables", folder, "-o", folder.parent / "tables"],
        "cite": ["cite", folder],
        "clean": ["clean", folder],
        "pack": ["pack", folder],
        "unpack": ["unpack", folder],
        "merge": ["merge", folder, "--samples", folder / "samples.yaml"],
        "fit": ["fit", *merged, "--model", "constant"],
        "compare": ["compare", *merged, "--names", "mean"],
        "summarize": ["summarize", *merged, "--names", "mean"],
        "models": ["models"],
        "plugins": ["plugins", "list"],
        "suggest": ["suggest", movie],
        "experiment": ["experiment", "check", experiment],
    }


def schemas():
    block = re.compile(r"^## (\w+)\n.*?```json\n(.*?)```", re.MULTILINE | re.DOTALL)
    return {name: json.loads(text) for name, text in block.findall(PAGE.read_text("utf-8"))}


@pytest.fixture(scope="module")
def outputs(folder, movie_file):
    from typer.testing import CliRunner

    found = {}
    for name, words in commands(folder, movie_file).items():
        done = CliRunner().invoke(app, [*map(str, words), "--json"])
        assert done.stdout, done.output
        found[name] = json.loads(done.stdout)
    return found


def test_the_page_has_a_schema_of_every_command_with_json(folder, movie_file):
    from typer.main import get_command

    def with_json(command, path=()):
        for name, one in getattr(command, "commands", {}).items():
            yield from with_json(one, (*path, name))
        if any("--json" in option.opts for option in command.params):
            yield path

    known = commands(folder, movie_file)
    tried = {tuple(map(str, words)) for words in known.values()}
    for path in with_json(get_command(app)):
        name = path[0] if path != ("import", "ctc") else "run"
        assert name in known
        assert path[0] in ("export", "import") or any(
            words[: len(path)] == path for words in tried
        ), path
    assert list(schemas()) == [*known]


@pytest.mark.parametrize("name", list(schemas()))
def test_what_a_command_prints_is_valid(outputs, name):
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    schema, output = schemas()[name], outputs[name]
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(output, schema)
    assert next(iter(output)) == "schema"
    assert output["schema"] == schema["$id"]
    assert set(output) <= set(schema["properties"]), "everything is described"
    for entry in schema["required"]:
        without = {key: value for key, value in output.items() if key != entry}
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(without, schema)
