"""Damaged microscope files: an answer or one line, never a traceback, a hang or a crash."""

import json
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

import fuzz_child
from example_counts import CHAOS, amount
from pyama.testing.czi_writer import write_czi
from pyama.testing.nd2_writer import write_nd2
from pyama.testing.ometiff_writer import write_ome_tiff

WRITERS = {"nd2": write_nd2, "czi": write_czi, "ome.tif": write_ome_tiff}
AT_ONCE = 250


def mutations(source, folder, first, last):
    """Try mutations in children; yield how each ended. A crash ends one child only."""
    while first < last:
        until = min(last, first + AT_ONCE)
        command = [sys.executable, fuzz_child.__file__, source, folder, str(first), str(until)]
        child = subprocess.run(
            [str(word) for word in command],
            capture_output=True,
            text=True,
            check=False,
            timeout=60 + fuzz_child.SECONDS * AT_ONCE,
        )
        lines = [json.loads(line) for line in child.stdout.splitlines() if line[:1] == "{"]
        ended = [line for line in lines if "end" in line]
        yield from ended
        first = until
        begun = [line["begin"] for line in lines if "begin" in line]
        if child.returncode != 0:
            assert begun, child.stderr
            first = begun[-1] + 1
            text = child.stderr[-3000:]
            yield {"end": begun[-1], "wrong": f"ended with {child.returncode}: {text}"}


@pytest.mark.timeout(14400 if CHAOS else 300)
@pytest.mark.parametrize("kind", WRITERS)
def test_damaged_files_are_answered_in_one_line_or_read(tmp_path, kind):
    source = tmp_path / f"whole.{kind}"
    WRITERS[kind](source, fuzz_child.IMAGES, channel_names=["Phase", "GFP"])
    whole = fuzz_child.tried(
        Path(shutil.copy(source, tmp_path / f"a.{kind}")), tmp_path / "out"
    )
    assert whole == {"step": "run", "code": 0}
    found = list(mutations(source, tmp_path, 0, amount(25, 700)))
    assert len({entry["end"] for entry in found}) == amount(25, 700)
    outcomes = Counter((entry.get("step"), entry.get("code")) for entry in found)
    print(f"{kind}: {dict(outcomes)}")  # noqa: T201
    faults = [entry for entry in found if "wrong" in entry]
    assert not faults, "\n".join(map(str, faults[:20]))
    assert outcomes["info", 1] > 0, "some are refused"
    assert outcomes["run", 0] > 0, "some are read"
