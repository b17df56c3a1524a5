"""A tour of the whole workflow, on a synthetic recording or on one of the user's."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pyama.analysis.fitting.fit_files import fit_file
from pyama.analysis.merge import write_merged
from pyama.analysis.report import write_report
from pyama.cli.info_command import info_lines, read_description
from pyama.cli.run_command import run
from pyama.cli.server import serve
from pyama.cli.terminal import is_attended, note
from pyama.errors import ConfigError
from pyama.runs.command_line import typed
from pyama.runs.request import Request
from pyama.runs.run_notes import quoted
from pyama.runs.suggestion import suggest
from pyama.runs.suggestion_text import suggestion_sentences
from pyama.testing.synthetic import SyntheticRecording

SIZE_PX = 512
CELLS = 25
FITTED = "*_fitted_*.csv"
"""Tables of fits in an output folder."""


@dataclass(frozen=True)
class _Tour:
    """What a tour processes: a recording, and options of `pyama run`."""

    recording: Path
    results: Path
    settings: tuple[str, ...]
    fovs: str | None = None
    frames: str | None = None
    pc: str | None = None
    fl: tuple[str, ...] = ()

    @property
    def options(self) -> list[str]:
        """The recording and the options as words of a command."""
        words = [str(self.recording), "--output", str(self.results)]
        chosen = {"--pc": self.pc, "--fovs": self.fovs, "--frames": self.frames}
        for name, value in chosen.items():
            words += [name, value] if value else []
        words += [word for channel in self.fl for word in ("--fl", channel)]
        return words + [word for setting in self.settings for word in ("--set", setting)]


def demo(
    folder: Path,
    n_fovs: int,
    n_frames: int,
    kind: Literal["czi", "nd2"],
    real: Path | None,
    pc: str | None = None,
    fl: Sequence[str] = (),
    *,
    browser: bool,
) -> int:
    """Process a recording, say what is done and why, and show the results.

    Args:
        folder: Where the recording and the results go; created if it does not exist.
        n_fovs: Fields of view that are drawn.
        n_frames: Frames per field of view; of a real recording, at most.
        kind: Format of the recording that is drawn.
        real: A recording to use instead; its first field of view is processed.
        pc: Its phase contrast channel; None chooses it by the names.
        fl: Its fluorescence channels.
        browser: Whether to open the page on the results, and serve it until Ctrl-C. It is not
            opened where nobody is at a terminal, such as in a script.

    Returns:
        The exit code.

    Raises:
        ConfigError: `folder` is a file, or the recording cannot be processed.
    """
    if folder.exists() and not folder.is_dir():
        raise ConfigError(f"--output {folder} is a file. Name a folder.")
    folder.mkdir(parents=True, exist_ok=True)
    if real:
        tour = _given(folder, real, n_frames, pc, tuple(fl))
    else:
        tour = _drawn(folder, n_fovs, n_frames, kind)
    note("\n2 of 4: cells are found in phase contrast, followed through time, and measured:")
    note(f"  {typed(['pyama', 'run', *tour.options])}")
    request = Request(
        tour.recording,
        tour.results,
        settings=tour.settings,
        fovs=tour.fovs,
        frames=tour.frames,
        pc=tour.pc,
        fl=tour.fl,
        overwrite=True,
    )
    code = run(request, as_json=False, verbose=False)
    if code == 0:
        _answer(tour.results, 1 if real else n_fovs)
        _show(tour, browser=browser)
    return code


def _drawn(folder: Path, n_fovs: int, n_frames: int, kind: Literal["czi", "nd2"]) -> _Tour:
    path = folder / f"synthetic.{kind}"
    note(
        f"1 of 4: a recording. Drawing {n_fovs} x {n_frames} frames of {SIZE_PX} x {SIZE_PX} "
        f"px into {quoted(path)}, as a microscope would write them."
    )
    recording = SyntheticRecording(
        n_fovs=n_fovs, n_frames=n_frames, shape=(SIZE_PX, SIZE_PX), n_cells=CELLS
    )
    recording.write(path, kind)
    return _Tour(path, folder / "results", settings_for(n_frames))


def _given(
    folder: Path, path: Path, n_frames: int, pc: str | None, fl: tuple[str, ...]
) -> _Tour:
    """Return a tour of the first frames of the first field of view of a recording."""
    metadata = read_description(path, None, ())
    used = min(n_frames, metadata.n_frames)
    note("1 of 4: a recording. Compare channels, interval and pixel with the microscope's:")
    for line in info_lines(metadata):
        note(f"  {line}")
    proposal = suggest(path, pc)
    for line in suggestion_sentences(proposal):
        note(f"  {line}")
    found = tuple(f"{name}={value}" for name, value in proposal.settings.items())
    settings = (*found, *settings_for(used))
    return _Tour(path, folder / "results", settings, "0", f"0-{used - 1}", pc, fl)


def _answer(results: Path, n_fovs: int) -> None:
    """Merge the first and the second half of the fields of view, fit, and report."""
    note(
        "\n3 of 4: a sample is fields of view with the same treatment, here one half of them. "
        "The traces of a\nsample are merged into one table, and a model of gene expression is "
        "fitted to each (`pyama merge`, `pyama fit`)."
    )
    half = -(-n_fovs // 2)
    samples = {"first": range(half), "second": range(half, n_fovs)}
    try:
        merged = write_merged(results, {name: fovs for name, fovs in samples.items() if fovs})
        for paths in merged.values():
            fit_file(paths[0])
    except ConfigError as error:  # without traces, or without fluorescence
        note(f"Note: {error}")
    try:
        note(f"Open this report in a browser: {quoted(write_report(results))}")
    except ConfigError as error:  # the libraries for figures are extras
        note(f"Note: {error}")


def _show(tour: _Tour, *, browser: bool) -> None:
    for line in _next(tour):
        note(line)
    if not (browser and is_attended()):
        return
    note(
        "\nThe page opens now: click a cell to see its trace, press Space to play, ? for "
        "help. Ctrl-C ends it."
    )
    try:
        serve(tour.results, None, "127.0.0.1", 0, public=False, browser=True)
    except ConfigError as error:  # the server is an extra
        note(f"Note: {error}")


def settings_for(n_frames: int) -> tuple[str, ...]:
    """Return limits that keep most cells of a short recording of small frames.

    The defaults are for hundreds of frames of 2048 x 2048 px.
    """
    return (f"min_frames={min(10, -(-n_frames // 2))}", "border_margin=0")


def _next(tour: _Tour) -> list[str]:
    fitted = sorted(tour.results.glob(FITTED))
    results, again = quoted(tour.results), typed([*tour.options, "--set", "min_iou=0.3"])
    return [
        "",
        "4 of 4: look at the results. Every fov_* folder holds the traces as CSV, and images",
        "and cells as OME-Zarr, which napari and Fiji open. What to try next:",
        f"  pyama view {results}",
        f"  pyama info {quoted(tour.recording)}",
        f"  pyama plan {again}",
        f"  pyama run {again}",
        *(f"  pyama summarize {quoted(table)}" for table in fitted[:1]),
        "and then the same with a recording of your own: pyama demo --real RECORDING",
    ]
