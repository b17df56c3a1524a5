"""Conversion of the cells of an output folder between folders and archives."""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from pyama import layout, older_pyama
from pyama.errors import NotReadyError, StoreError, message_of
from pyama.fov_ranges import fovs_text
from pyama.runs.log import write_log
from pyama.store import Form, FovStore, convert_cells, fovs_in, lock_fovs

logger = logging.getLogger(__name__)

NAMES: dict[Form, str] = {"folder": layout.CELLS, "zip": layout.CELLS_ARCHIVE}
"""What holds the cells, by form."""


class Outcome(StrEnum):
    """What became of the cells of a field of view."""

    CONVERTED = "converted"
    UNCHANGED = "unchanged"
    UNFINISHED = "unfinished"
    FAILED = "failed"


@dataclass(frozen=True)
class Conversion:
    """The conversion of one field of view.

    Attributes:
        fov: 0-based index.
        outcome: What became of its cells.
        message: Why they were not converted; empty if they were or need not be.
    """

    fov: int
    outcome: Outcome
    message: str = ""


def convert(output_dir: Path, form: Form) -> Iterator[Conversion]:
    """Give the finished cells of every field of view another form.

    Yields:
        What became of each field of view, when it is done.

    Raises:
        StoreError: The folder holds no results.
    """
    if advice := older_pyama.what_to_do(output_dir):
        raise StoreError(advice)
    fovs = fovs_in(output_dir)
    if not fovs:
        raise StoreError(
            f"{output_dir} holds no results. Name the folder that was given as --output."
        )
    for fov in fovs:
        yield _convert_fov(output_dir, fov, form)


def _convert_fov(output_dir: Path, fov: int, form: Form) -> Conversion:
    try:
        with lock_fovs(output_dir, [fov]):
            is_new = convert_cells(FovStore(output_dir, fov).path, form)
    except NotReadyError as error:
        return Conversion(fov, Outcome.UNFINISHED, message_of(error))
    except OSError as error:
        return Conversion(fov, Outcome.FAILED, message_of(error))
    if is_new:
        with write_log(output_dir, lambda record: None):
            logger.info("FOV %d: cells are in %s now", fov, NAMES[form])
    return Conversion(fov, Outcome.CONVERTED if is_new else Outcome.UNCHANGED)


def conversion_text(conversions: Iterable[Conversion], form: Form) -> str:
    """Return how many fields of view have their cells in a form now, in a sentence."""
    fovs = {outcome: list[int]() for outcome in Outcome}
    for conversion in conversions:
        fovs[conversion.outcome].append(conversion.fov)
    texts = {
        Outcome.CONVERTED: f"converted to {NAMES[form]}",
        Outcome.UNCHANGED: f"already in {NAMES[form]}",
        Outcome.UNFINISHED: "not finished",
        Outcome.FAILED: "failed",
    }
    return "; ".join(
        f"FOV {fovs_text(fovs[outcome])}: {text}"
        for outcome, text in texts.items()
        if fovs[outcome]
    )
