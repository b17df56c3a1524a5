"""The log of a run: a file in the output folder, and other listeners."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path

from pyama import layout
from pyama.symlinks import open_to_append

FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
Listen = Callable[[logging.LogRecord], None]
"""Called with every record, from several threads."""


class _LogFile(logging.FileHandler):
    def __init__(self, path: Path) -> None:
        super().__init__(path, encoding="utf-8", delay=True)
        self.setFormatter(logging.Formatter(FORMAT))

    def _open(self) -> TextIOWrapper:
        return open_to_append(Path(self.baseFilename))


class _Listener(logging.Handler):
    def __init__(self, listen: Listen) -> None:
        super().__init__()
        self._listen = listen

    def emit(self, record: logging.LogRecord) -> None:
        self._listen(record)


@contextmanager
def write_log(output: Path, listen: Listen) -> Iterator[None]:
    """Write what pyama logs into `run.log` of the output folder for the length of a block.

    Args:
        output: The output folder; made if it is not there.
        listen: Is given every record as well.
    """
    output.mkdir(parents=True, exist_ok=True)
    handlers = [_LogFile(output / layout.LOG_FILE), _Listener(listen)]
    package = logging.getLogger("pyama")
    before = package.level
    package.setLevel(logging.INFO)
    for handler in handlers:
        package.addHandler(handler)
    try:
        yield
    finally:
        package.setLevel(before)
        for handler in handlers:
            package.removeHandler(handler)
            handler.close()
