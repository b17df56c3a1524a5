"""Sentences that log, terminal, page and report show in the same words."""

from collections.abc import Iterable

from pyama.fov_ranges import fovs_text

WITHOUT_CELLS = (
    "Without a phase contrast channel (--pc) no cells are found and no traces written."
)
WITHOUT_MASK = (
    "The background is estimated without a mask, because no phase contrast channel is "
    "configured: bright cells raise it."
)


def count_text(count: int, noun: str) -> str:
    """Return a number with a noun, which is in the plural unless it is one."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def failure(step: str, fov: int, frame: int | None, message: str) -> str:
    """Return where a step failed, and why."""
    place = "" if frame is None else f", frame {frame}"
    return f"FOV {fov}, {step}{place}: {message}"


def nothing_recorded(fovs: Iterable[int]) -> str:
    """Return the sentence about fields of view without a recorded frame."""
    return f"FOV {fovs_text(fovs)}: nothing was recorded."


def no_background(channel: str, frames: Iterable[int]) -> str:
    """Return the sentence about frames whose background is not visible anywhere."""
    return (
        f"in {channel}, no background is visible in frame {fovs_text(frames)}, because the "
        "cells cover it: a low percentile of the frame is used instead. Check the outlines "
        "there."
    )


def not_similar(frames: Iterable[int]) -> str:
    """Return the sentence about frames of which no drift is known."""
    return (
        f"frame {fovs_text(frames)} is not similar to the frames before, so no drift is "
        "assumed there. Check whether the cells keep their numbers from there on."
    )
