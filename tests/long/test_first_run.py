"""The first run of a new installation, which compiles every kernel."""

import os
import subprocess
import sys

import pytest

from child_runs import write_movie


@pytest.mark.long
@pytest.mark.timeout(900)
def test_compiling_is_shown_when_it_happens_and_kept(tmp_path):
    """Also where the package cannot be written: the kernels are kept elsewhere then."""
    movie = write_movie(tmp_path / "movie.nd2", 1)
    run = [sys.executable, "-m", "pyama", "run", movie]
    env = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / "kernels")}
    said = []
    for name in ("first", "second"):
        done = subprocess.run(
            [*run, "--output", tmp_path / name], env=env, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        said.append("Compiling, once" in done.stderr)
    assert said == [True, False]
    assert list((tmp_path / "kernels").rglob("*.nbi"))
