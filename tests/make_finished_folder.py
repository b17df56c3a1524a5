"""Make `tests/data/finished.zip`: a small finished folder with an inspection.

Every later commit must read what this one wrote. Run it once with the commit whose results are
to stay readable: `python tests/make_finished_folder.py NAME.zip`.
"""

import sys
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

import pyama
from pyama.testing.nd2_writer import write_nd2
from pyama.traces.corrections import MarkCell
from pyama.traces.inspection import Inspection
from small_movie import MOVIE, make_config

FRAMES, SIZE = 4, 104
DATE = (2026, 1, 1, 0, 0, 0)


def make(path: Path) -> None:
    """Process a corner of the small movie, mark its first cell as bad, and pack the folder."""
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        images = MOVIE[:1, :FRAMES, None, :, :SIZE, :SIZE]
        write_nd2(folder / "movie.nd2", images, channel_names=["Phase", "GFP"])
        report = pyama.process(folder / "movie.nd2", make_config(), folder / "results")
        assert report.succeeded, report.failures
        Inspection(folder / "results", 0).add(MarkCell(cell=1, good=False), "somebody")
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as packed:
            for file in sorted(folder.rglob("*")):
                if file.is_file():
                    entry = zipfile.ZipInfo(file.relative_to(folder).as_posix(), DATE)
                    packed.writestr(entry, file.read_bytes(), zipfile.ZIP_DEFLATED)


if __name__ == "__main__":
    make(Path(sys.argv[1]))
