"""Help texts, and that they cost nothing."""

import json
import subprocess
import sys

import pytest
from typer.main import get_command

from pyama.cli.app import app

HEAVY = ["numpy", "numba", "scipy", "pandas", "zarr", "pydantic", "rich.live", "nd2", "yaml"]


def _leaves(group, path=()):
    """The paths of all commands that are no groups."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _leaves(command, (*path, name))
        else:
            yield [*path, name]


COMMANDS = list(_leaves(get_command(app)))


def _command(path):
    command = get_command(app)
    for name in path:
        command = command.commands[name]
    return command


@pytest.mark.parametrize(
    ("arguments", "allowed"),
    [
        (["--help"], set()),
        (["--version"], set()),
        ([], set()),
        (["config", "--help"], {"pydantic"}),  # Typer reads values with it
        (["run", "--help"], {"pydantic"}),
    ],
)
def test_help_imports_nothing_heavy(arguments, allowed):
    program = (
        "import sys, json, runpy, atexit\n"
        "atexit.register(lambda: print('\\n' + json.dumps(list(sys.modules))))\n"
        f"sys.argv = ['pyama', *{arguments!r}]\n"
        "from pyama.cli import main\n"
        "main()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    loaded = json.loads(done.stdout.splitlines()[-1])
    assert "pyama.cli.app" in loaded
    assert set(HEAVY).intersection(loaded) <= allowed


def test_a_run_starts_without_what_is_slow_to_load():
    slow = {
        "onnxruntime",
        "scipy.fft",
        "scipy.ndimage",
        "scipy.spatial",
        "scipy.stats",
        "tifffile",
        "pandas",
    }
    program = f"import sys, pyama.cli.run_command\nprint({slow} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize("module", ["pyama", "pyama.cli"])
def test_python_m_runs_the_command_line(module):
    done = subprocess.run(
        [sys.executable, "-m", module, "--help"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
    assert "Usage: pyama" in done.stdout


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_explains_itself_with_an_example(path):
    command = _command(path)
    assert "pyama " + " ".join(path) in command.epilog
    assert command.help
    undocumented = [p.name for p in command.params if not p.help and p.name != "help"]
    assert undocumented == []


def test_commands_and_groups_are_found():
    assert ["run"] in COMMANDS
    assert ["config", "check"] in COMMANDS
    assert ["plugins", "new"] in COMMANDS


def test_plan_takes_what_run_takes():
    run, plan = ({p.name for p in _command([name]).params} for name in ("run", "plan"))
    assert plan == run


def test_the_version_is_printed(pyama):
    done = pyama("--version")
    assert done.exit_code == 0
    assert done.stdout.startswith("pyama 0.")


@pytest.mark.parametrize(
    "arguments",
    [["run"], ["run", "x.nd2"], ["walk"], ["run", "x.nd2", "-o", "d", "--workers", "0"]],
    ids=" ".join,
)
def test_wrong_usage_is_exit_code_2(pyama, arguments):
    assert pyama(*arguments).exit_code == 2
