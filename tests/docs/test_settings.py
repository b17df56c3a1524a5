"""The settings of tools name what there is, and hold where the tools are not run."""

import re
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
HOOKS = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))["repos"]
WORKFLOW = (ROOT / ".github/workflows/ci.yml").read_text("utf-8")


@pytest.mark.parametrize("hook", HOOKS[0]["hooks"], ids=lambda hook: hook["id"])
def test_a_hook_runs_a_module_that_is_installed(hook):
    start, module = re.fullmatch(r"(python dev\.py python -m )(\S+).*", hook["entry"]).groups()
    assert start
    assert find_spec(module), f"{module} is not installed"
    assert hook["language"] == "system"


def test_the_hooks_find_nothing():
    """Text files end with one line feed, no line ends with a blank; not so those of others."""
    suffixes = {".py", ".md", ".toml", ".yml", ".yaml", ".js", ".css", ".html", ".cff", ".txt"}
    places = [ROOT / name for name in ("src", "tests", "docs", "benchmarks", "examples")]
    files = [file for place in places for file in place.rglob("*")] + list(ROOT.iterdir())
    files = [file for file in files if "vendor" not in file.parts]
    for file in (file for file in files if file.suffix in suffixes and file.is_file()):
        text = file.read_text(encoding="utf-8")
        assert not re.search(r"[ \t]+$", text, re.MULTILINE), file
        assert text == "" or re.search(r"[^\n]\n\Z", text), file


def test_the_workflow_tests_every_version_and_system():
    jobs = yaml.safe_load(WORKFLOW)["jobs"]
    matrix = jobs["test"]["strategy"]["matrix"]
    assert matrix["python"] == ["3.11", "3.12", "3.13", "3.14"]
    assert [name.partition("-")[0] for name in matrix["os"]] == ["ubuntu", "macos", "windows"]


@pytest.mark.parametrize("command", sorted(set(re.findall(r"python dev\.py (\S+)", WORKFLOW))))
def test_the_workflow_calls_commands_that_exist(command):
    code = f"import dev, sys; sys.exit({command!r} not in dev.COMMANDS)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_the_demo_needs_no_other_extras_than_the_tests():
    """After `python dev.py test`, `python dev.py demo` starts at once."""
    included = "*dev.with_included(dev.TEST_EXTRAS) - dev.TEST_EXTRAS"
    code = f"import dev; print({included}, '|', *dev.EXTRAS['demo'])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True
    )
    installed, needed = (set(text.split()) for text in done.stdout.split("|"))
    assert needed < installed
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert installed < project["optional-dependencies"].keys()


def test_every_dependency_has_a_lowest_version():
    """Those of users, not of the tests: `python dev.py lowest` tries them."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    every = [*project["dependencies"], *(d for k in extras if k != "test" for d in extras[k])]
    assert [entry for entry in every if not re.search(r">=\d", entry)] == []


def test_what_takes_minutes_is_left_out_of_the_suite_and_run_by_ci():
    """`python dev.py test` deselects them, and `.ci/run` calls `test-long`."""
    options = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["pytest"]
    chosen = options["ini_options"]["addopts"]
    assert chosen[chosen.index("-m") + 1] == "not long"
    for file in [*(ROOT / "tests/long").glob("test_*.py"), *ROOT.glob("tests/cluster/test_*")]:
        assert "pytest.mark.long" in file.read_text("utf-8"), file
    commands = re.findall(r"dev\.py (\S+)", (ROOT / ".ci/run").read_text("utf-8"))
    assert commands == ["check", "test", "test-long"]
