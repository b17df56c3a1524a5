"""Labels and tracks in the format of the Cell Tracking Challenge as settings of a run."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pyama.errors import ConfigError
from pyama.fov_ranges import parse_fovs
from pyama.sentences import count_text

TRACK_FILES = {"res_track.txt": "mask", "man_track.txt": "man_track"}
"""Files of tracks, and how the names of their label images begin."""
_PLACES = ("", "*/", "*/TRA/")
_MANY = 1 << 20
"""More fields of view than a recording has; the run checks them."""


@dataclass(frozen=True)
class Challenge:
    """What a run needs to read labels and tracks.

    Attributes:
        settings: Parameters as `NAME=VALUE`.
        fovs: Fields of view that have labels, such as `0,1`.
        notes: Which folder is which field of view, in sentences.
    """

    settings: list[str]
    fovs: str
    notes: list[str]


@dataclass(frozen=True)
class _Sequence:
    """A file of tracks; its folder with the number replaced by `{fov}`; the number if any."""

    file: Path
    template: str
    number: int | None


def find_challenge(folder: Path, fovs: str | None = None) -> Challenge:
    """Find the sequences in a folder and the fields of view that they belong to.

    Folders that begin with two digits, `01_RES` or `01_GT/TRA`, count from 1 as in the
    challenge, unless there is a `00_RES`; those with more digits, `000_RES`, from 0 as in
    `pyama export ctc`.

    Args:
        folder: A sequence, or a folder of sequences.
        fovs: Their fields of view, such as `3,7`; None takes those of the names.

    Raises:
        ConfigError: There are none, or it is unclear which field of view they belong to.
    """
    found = sorted(_sequences(Path(folder).absolute()), key=lambda one: one.file.as_posix())
    if not found:
        raise ConfigError(
            f"{folder} has no {' or '.join(TRACK_FILES)}, neither in it nor in folders like "
            "01_RES or 01_GT/TRA. Label images without a file of tracks are read by "
            "segmentation_method=labels."
        )
    wanted = _fovs(found, fovs)
    template, file = found[0].template, found[0].file
    first = wanted[0] if found[0].number is None else found[0].number
    settings = {
        "segmentation_method": "labels",
        "tracking_method": "labels",
        "divisions": True,
        "labels.path": f"{template}/{_images(file)}",
        "labels.tracks": f"{template}/{file.name}",
        "labels.first_fov": first - wanted[0],
    }
    return Challenge(
        [f"{name}={json.dumps(value)}" for name, value in settings.items()],
        ",".join(map(str, wanted)),
        [
            f"FOV {fov} has the labels in {one.file.parent}."
            for fov, one in zip(wanted, found, strict=True)
        ],
    )


def _sequences(folder: Path) -> Iterator[_Sequence]:
    for place in _PLACES:
        for name in TRACK_FILES:
            yield from map(_sequence, folder.glob(place + name))


def _sequence(file: Path) -> _Sequence:
    inner = file.parent.name == "TRA"
    folder = file.parent.parent if inner else file.parent
    digits = re.match(r"\d*", folder.name).group()  # type: ignore[union-attr]
    place = f"{{fov:0{len(digits)}d}}" if digits else ""
    name = place + _literal(folder.name.removeprefix(digits)) + "/TRA" * inner
    template = f"{_literal(folder.parent.as_posix().rstrip('/'))}/{name}"
    return _Sequence(file, template, int(digits) if digits else None)


def _literal(path: str) -> str:
    return path.replace("{", "{{").replace("}", "}}")


def _images(tracks: Path) -> str:
    """Return the pattern of the names of the label images beside a file of tracks."""
    begin = TRACK_FILES[tracks.name]
    for file in sorted(tracks.parent.glob(f"{begin}*.tif")):
        digits = file.stem.removeprefix(begin)
        if digits.isdecimal():
            return f"{begin}{{frame:0{len(digits)}d}}.tif"
    raise ConfigError(f"{tracks.parent} has no label images such as {begin}000.tif.")


def _fovs(found: Sequence[_Sequence], fovs: str | None) -> list[int]:
    """Return the field of view of every sequence.

    Raises:
        ConfigError: It is unclear.
    """
    folders = ", ".join(one.file.parent.name for one in found[:5])
    if len({one.template for one in found}) > 1:
        raise ConfigError(
            f"The folders {folders} are not one set of sequences. Name one of them, or a "
            "folder that has only results or only annotations."
        )
    numbers = [one.number or 0 for one in found]
    if fovs is None:
        from_one = "{fov:02d}" in found[0].template and min(numbers) > 0
        return [number - from_one for number in numbers]
    wanted = sorted(parse_fovs(fovs, _MANY))
    if len(wanted) != len(found):
        raise ConfigError(
            f"--fovs names {count_text(len(wanted), 'field')} of view, but there are "
            f"{len(found)} folders with labels: {folders}."
        )
    if any(b - a != numbers[0] - wanted[0] for a, b in zip(wanted, numbers, strict=True)):
        raise ConfigError(
            f"The folders {folders} and FOV {fovs} do not differ by one number. Import them "
            "one by one."
        )
    return wanted
