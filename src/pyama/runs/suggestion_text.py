"""A proposal as terminal, page and JSON show it."""

from pathlib import Path
from typing import Any

from pyama.algorithms.diameter_params import TUNED_DIAMETER
from pyama.errors import ConfigError
from pyama.pictures.encoding import ImageFormat, encode_image
from pyama.runs.suggestion import METHOD, Suggestion
from pyama.sentences import count_text


def suggestion_lines(suggestion: Suggestion) -> list[str]:
    """Return the proposal, how sure it is, why, and the command, for a terminal."""
    lines = [str(suggestion.file), *(f"  {text}" for text in suggestion_sentences(suggestion))]
    return [*lines, "", suggestion.command] if suggestion.command else lines


def suggestion_sentences(suggestion: Suggestion) -> list[str]:
    """Return what was looked at, what is proposed, how sure it is, and why."""
    index, name = suggestion.channel
    seen = count_text(len(suggestion.images), "image")
    places = "; ".join(f"FOV {fov}, frame {frame}" for fov, frame in suggestion.images)
    return [
        f"Looked at {seen} of channel {index} {name}: {places or 'nothing was recorded'}.",
        f"Proposed: {_proposal(suggestion)}",
        " ".join([f"This is {suggestion.certainty}.", *suggestion.reasons]),
    ]


def suggestion_entries(suggestion: Suggestion) -> dict[str, Any]:
    """Return the proposal as plain values for JSON."""
    index, name = suggestion.channel
    width, found = suggestion.cell_diameter, suggestion.estimate
    um = suggestion.pixel_size_um
    return {
        "recording": str(suggestion.file),
        "channel": index,
        "channel_name": name,
        "images": [{"fov": fov, "frame": frame} for fov, frame in suggestion.images],
        "certainty": suggestion.certainty,
        "reasons": list(suggestion.reasons),
        "segmentation_method": suggestion.settings.get("segmentation_method"),
        "cell_diameter": width,
        "cell_diameter_um": round(width * um, 2) if width and um else None,
        "measured_width": None if found is None else round(found.width, 2),
        "n_cells": 0 if found is None else found.n_cells,
        "command": suggestion.command,
    }


def _proposal(suggestion: Suggestion) -> str:
    width = suggestion.cell_diameter
    if width is not None:
        um = suggestion.pixel_size_um
        length = "" if um is None else f" ({width * um:.3g} \N{MICRO SIGN}m)"
        return f"segmentation_method {METHOD}, cell_diameter {width:g} px{length}."
    found = suggestion.estimate
    guess = "" if found is None else f" What was found is {found.width:.2g} px wide."
    return (
        f"nothing.{guess} Measure some cells in the image, and compare methods with `Try on "
        f"this frame` on the page; the defaults fit cells of {TUNED_DIAMETER:g} px."
    )


def write_picture(suggestion: Suggestion, path: Path) -> None:
    """Write the picture of a proposal as a PNG file.

    Raises:
        ConfigError: The name is not that of a PNG file, or nothing was recorded.
        OSError: The file cannot be written.
    """
    if path.suffix.lower() != ".png":
        raise ConfigError(f"--output {path}: expected the name of a PNG file, such as a.png")
    if suggestion.picture is None:
        raise ConfigError(f"Nothing was recorded in {suggestion.file}: there is no picture.")
    path.write_bytes(encode_image(suggestion.picture, ImageFormat.PNG))
