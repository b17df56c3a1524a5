"""Build the documentation site: `python dev.py docs`.

The pages of `docs/`, and those that are generated from the code, are put into
`build/docs/source`; Sphinx makes the site in `build/docs/html`. Every warning is an error.
"""

import argparse
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from site_pages import stage

ROOT = Path(__file__).resolve().parents[2]
TARGET = ROOT / "build/docs"


def main(arguments: list[str]) -> int:
    """Build the site; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python dev.py docs", description=__doc__)
    parser.add_argument("--output", type=Path, default=TARGET, help="folder of the site")
    parser.add_argument("--without-tutorials", action="store_true", help="do not run them")
    chosen = parser.parse_args(arguments)
    started = time.monotonic()
    source, site = chosen.output / "source", chosen.output / "html"
    for folder in (source, site):
        shutil.rmtree(folder, ignore_errors=True)
    stage(ROOT, source)
    status = _sphinx(source, site, run=not chosen.without_tutorials)
    if status == 0:
        seconds = time.monotonic() - started
        print(f"Built in {seconds:.0f} s. Open {site / 'index.html'} in a browser.")
    return status


def _sphinx(source: Path, site: Path, *, run: bool) -> int:
    settings = [] if run else ["-D", "nb_execution_mode=off"]
    command = [
        *(sys.executable, "-m", "sphinx", "-b", "html", "--fail-on-warning", "--keep-going"),
        *("--quiet", "--fresh-env", "--jobs", "auto", *settings),
        *("--conf-dir", str(Path(__file__).parent)),
        *("--doctree-dir", str(site.parent / "doctrees"), str(source), str(site)),
    ]
    here = {"PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(Path(__file__).parent)])}
    return subprocess.run(command, check=False, env={**os.environ, **here}).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
