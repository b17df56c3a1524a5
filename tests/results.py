"""What a run of the small movie leaves on disk, made once."""

import shutil
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from pyama.processing.workflow.run import process
from small_movie import MOVIE, make_config, recording_of


@cache
def made_once() -> Path:
    folder = Path(mkdtemp(prefix="pyama_results_")) / "results"
    assert process(recording_of(MOVIE[:2]), make_config(), folder).succeeded
    return folder


def results_in(folder):
    """A copy that may be changed: two fields of view, four cells in each, six frames."""
    return Path(shutil.copytree(made_once(), folder / "results"))
