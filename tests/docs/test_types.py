"""What the pages show passes the strictest check of types, as in a user's own project."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
SETTINGS = """
[mypy]
strict = True
warn_unreachable = True
# Dask declares no types for them.
untyped_calls_exclude = dask_jobqueue,distributed

# It does not mark the names that it gives as exported.
[mypy-dask_jobqueue.*]
implicit_reexport = True
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("types")


def check(folder, blocks):
    """Check every block as a file of its own; returns the exit status and what was found."""
    api = pytest.importorskip("mypy.api")
    (folder / "mypy.ini").write_text(SETTINGS, encoding="utf-8")
    for name, text in blocks.items():
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
    options = ["--config-file", f"{folder / 'mypy.ini'}", "--cache-dir", f"{folder / 'cache'}"]
    found, errors, status = api.run([*options, *(f"{folder / name}.py" for name in blocks)])
    return status, found + errors


def test_every_python_block_passes_mypy_strict(folder):
    blocks = {
        f"{page.stem}_{number}": text
        for page in PAGES
        for number, text in enumerate(
            re.findall(r"```python[^\n]*\n(.*?)```", page.read_text("utf-8"), re.DOTALL)
        )
    }
    assert {name.partition("_")[0] for name in blocks} >= {"README", "plugins", "cluster"}
    status, found = check(folder, blocks)
    assert status == 0, found


WRONG = {
    "channel": "pyama.Channel(features=['area'])",
    "phase": "pyama.Channels(pc='Phase')",
    "fluorescence": "pyama.Channels(fl=1)",
    "unknown": "pyama.Channels(dapi=1)",
    "parameter": "pyama.ProcessingParams(min_frames='many')",
}


def test_wrong_arguments_do_not(folder):
    status, found = check(folder, {k: f"import pyama\n\n{v}\n" for k, v in WRONG.items()})
    assert status == 1
    assert sorted(set(re.findall(r"(\w+)\.py:3: error", found))) == sorted(WRONG), found
