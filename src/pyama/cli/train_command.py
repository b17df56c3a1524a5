"""`pyama train`: the network of `segmentation_method: unet`, taught the cells of a user."""

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pyama.cli.options import Debug
from pyama.cli.terminal import CANCELLED, FAILED, note, report_errors, result
from pyama.errors import ConfigError
from pyama.sentences import count_text
from pyama.units import duration_text

if TYPE_CHECKING:
    from pyama.training.fine_tuning import FineTuned, Lesson
    from pyama.training.loop import Progress

NEEDED = ("torch", "onnx")
EPILOG = (
    "Example:\n\n\b\n  pyama train --from labelled --output my_cells.onnx\n\n"
    "Ctrl-C ends the training and keeps what was learned. Exit codes: 0 the network was "
    "written, 1 it is worse and was not written, 2 wrong usage, 130 stopped."
)
EVERY_S = 20.0
"""Seconds between two lines on the progress."""


def register(app: typer.Typer) -> None:
    """Add the command to an application."""
    app.command("train", epilog=EPILOG)(_train)


@report_errors
def _train(
    folder: Annotated[
        Path,
        typer.Option(
            "--from",
            metavar="DIR",
            help="Images NAME.tif with NAME_labels.tif, or results.",
        ),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="Network to write.")
    ] = Path("my_cells.onnx"),
    minutes: Annotated[
        float, typer.Option(min=0.1, max=600, metavar="MIN", help="Longest time to train.")
    ] = 8.0,
    debug: Debug = False,
) -> None:
    """Teach the network of `segmentation_method: unet` your cells.

    Trains the network that comes with pyama further on images in which you have marked the
    cells, for instance with napari: five frames are enough. Of the output folder of a run, the
    frames are used whose labels were corrected. One of five is held out and shows
    what was gained. Needs the extra `train` (PyTorch). The page docs/segmentation.md describes
    the files.
    """
    raise typer.Exit(train(folder, output, minutes))


def train(folder: Path, output: Path, minutes: float) -> int:
    """Train on the labelled frames of a folder, print what was reached, return the exit code.

    Raises:
        ConfigError: A package or labels are missing, or `output` cannot be written.
    """
    _check(output)
    from pyama.training.labelled_folder import read_folder

    frames, notes = read_folder(folder)
    from pyama.training.fine_tuning import fine_tune, prepare

    lesson = prepare(frames)
    for text in (*notes, *lesson.notes):
        note(f"Note: {text}")
    _show(lesson)
    reached = fine_tune(lesson, output, minutes, _report())
    return _tell(reached, lesson, output)


def _check(output: Path) -> None:
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise ConfigError(
            f"pyama train needs packages that are not installed: {', '.join(missing)}. "
            "Install them with: pip install 'pyama-traces[train]'"
        )
    if output.suffix.lower() != ".onnx":
        raise ConfigError(f"--output {output} is not a network; its name must end in .onnx.")
    if output.exists():
        raise ConfigError(f"{output} exists and is not overwritten. Choose another --output.")
    if not output.parent.is_dir():
        raise ConfigError(f"There is no folder {output.parent} for --output. Create it.")


def _show(lesson: "Lesson") -> None:
    shown, held_out = (sum(one.n_cells for one in f) for f in (lesson.shown, lesson.held_out))
    names = ", ".join(one.name for one in lesson.held_out)
    frames = count_text(len(lesson.shown), "frame")
    note(
        f"Training on {shown} cells in {frames}, {lesson.diameter:.0f} px wide (median). Held "
        f"out to judge it: {held_out} cells, {names}."
    )


def _report() -> "Callable[[Progress], None]":
    last = 0.0

    def report(progress: "Progress") -> None:
        nonlocal last
        if progress.seconds - last < EVERY_S and progress.done < 1:
            return
        last = progress.seconds
        minutes = progress.seconds / 60 * (1 / progress.done - 1)
        note(f"{progress.done:4.0%}, {duration_text(minutes)} left, loss {progress.loss:.3f}")

    return report


def _tell(reached: "FineTuned", lesson: "Lesson", output: Path) -> int:
    from pyama.runs.run_notes import quoted

    before, after = reached.before, reached.after
    if reached.is_stopped:
        note("Stopped; what was learned until now is judged.")
    note(
        f"Of the {before.n_marked} cells that were held out, the network of pyama finds "
        f"{before.n_same} with {before.n_found} objects (F1 {before.f1:.2f}), the new one "
        f"{after.n_same} with {after.n_found} (F1 {after.f1:.2f})."
    )
    if not reached.is_written:
        note(
            f"The new network is not better, and {output} was not written. Check the labels, "
            "add frames that look different, or keep the network of pyama."
        )
        return CANCELLED if reached.is_stopped else FAILED
    result(
        f"pyama run RECORDING --output DIR --set segmentation_method=unet "
        f"--set unet.model={quoted(output)} --set cell_diameter={lesson.diameter:.0f}"
    )
    return CANCELLED if reached.is_stopped else 0
