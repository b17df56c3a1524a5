"""Writing of inspected tables a moment after a correction, so that a click need not wait."""

import logging
import threading
from pathlib import Path

from pyama.errors import PyamaError, message_of
from pyama.traces.inspection import Inspection

logger = logging.getLogger(__name__)
DELAY_S = 0.5
"""Seconds from the first correction that is not in the table until it is written."""


class InspectedTables:
    """Tables that are behind their logs, and are written soon.

    Nothing is lost if this process ends before: whoever reads a table that is behind its log
    makes it again.
    """

    def __init__(self) -> None:
        self._timers: dict[Path, threading.Timer] = {}
        self._lock = threading.Lock()

    def write_later(self, inspection: Inspection) -> None:
        """Write a table after half a second, together with the corrections until then."""
        with self._lock:
            if inspection.log not in self._timers:
                timer = threading.Timer(DELAY_S, self._write, [inspection])
                self._timers[inspection.log] = timer
                timer.start()

    def write_all(self) -> None:
        """Write all tables that are still to be written."""
        with self._lock:
            timers = list(self._timers.values())
        for timer in timers:
            timer.cancel()
            timer.join()
            self._write(*timer.args)

    def _write(self, inspection: Inspection) -> None:
        with self._lock:
            self._timers.pop(inspection.log, None)
        try:
            inspection.write_table()
        except (PyamaError, OSError) as error:
            logger.warning("%s", message_of(error))
