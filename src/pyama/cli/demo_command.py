"""The whole workflow on a synthetic recording."""

from pathlib import Path
from typing import Literal

from pyama.analysis.fitting.fit_files import fit_file
from pyama.analysis.merge import write_merged
from pyama.analysis.report import write_report
from pyama.cli.run_command import run
from pyama.cli.terminal import note
from pyama.errors import ConfigError
from pyama.runs.request import Request
from pyama.runs.run_notes import quoted
from pyama.testing.synthetic import SyntheticRecording

SIZE_PX = 512
CELLS = 25


def demo(folder: Path, n_fovs: int, n_frames: int, kind: Literal["czi", "nd2"]) -> int:
    """Draw a recording, process it, and print what to try next.

    Args:
        folder: Where the recording and the results go; created if it does not exist.
        n_fovs: Fields of view.
        n_frames: Frames per field of view.
        kind: Format of the recording.

    Returns:
        The exit code.
    """
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"--output {folder} is a file. Name a folder.")
    folder.mkdir(parents=True, exist_ok=True)
    recording = SyntheticRecording(
        n_fovs=n_fovs, n_frames=n_frames, shape=(SIZE_PX, SIZE_PX), n_cells=CELLS
    )
    path, results = folder / f"synthetic.{kind}", folder / "results"
    note(f"Drawing {n_fovs} x {n_frames} frames of {SIZE_PX} x {SIZE_PX} px into {path} ...")
    recording.write(path, kind)
    note("Finding, following and measuring its cells, as with this command:")
    note(f"  pyama run {quoted(path)} --output {quoted(results)}{_limits(n_frames)}")
    request = Request(path, results, settings=settings_for(n_frames), overwrite=True)
    code = run(request, as_json=False, verbose=False)
    if code == 0:
        _answer(results, n_fovs)
        for line in _next(path, results, n_frames):
            note(line)
    return code


def _answer(results: Path, n_fovs: int) -> None:
    """Merge the first and the second half of the fields of view, fit, and report."""
    note("Merging fields of view into two samples, fitting a model to every trace, reporting.")
    half = -(-n_fovs // 2)
    samples = {"first": range(half), "second": range(half, n_fovs)}
    merged = write_merged(results, {name: fovs for name, fovs in samples.items() if fovs})
    for paths in merged.values():
        fit_file(paths[0])
    try:
        note(f"Open this report in a browser: {quoted(write_report(results))}")
    except ConfigError as error:  # the libraries for figures are extras
        note(f"Note: {error}")


def settings_for(n_frames: int) -> tuple[str, ...]:
    """Return limits that keep most cells of a short recording of small frames.

    The defaults are for hundreds of frames of 2048 x 2048 px.
    """
    return (f"min_frames={min(10, -(-n_frames // 2))}", "border_margin=0")


def _limits(n_frames: int) -> str:
    return "".join(f" --set {setting}" for setting in settings_for(n_frames))


def _next(path: Path, results: Path, n_frames: int) -> list[str]:
    command = f"{quoted(path)} --output {quoted(results)}{_limits(n_frames)}"
    return [
        "",
        "Every fov_* folder of the output holds the traces as CSV, and images and cells as",
        "OME-Zarr, which napari and Fiji open. What to try next:",
        f"  pyama view {quoted(results)}",
        f"  pyama info {quoted(path)}",
        f"  pyama plan {command} --set min_iou=0.3",
        f"  pyama run {command} --set min_iou=0.3",
        f"  pyama fit {quoted(results / 'first_merged.csv')} --model auto",
        "and then the same with a recording of your own.",
    ]
