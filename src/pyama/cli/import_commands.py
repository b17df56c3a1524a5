"""The commands `pyama import ...`: results of other programs. Slow modules inside."""

from pathlib import Path
from typing import Annotated

import typer

from pyama.cli.options import (
    Config,
    Debug,
    Fl,
    FlFeatures,
    Fovs,
    Frames,
    Json,
    Output,
    Overwrite,
    Pc,
    PcFeatures,
    Plugins,
    Redo,
    Set,
    Verbose,
    Workers,
)
from pyama.cli.plain_help import Commands
from pyama.cli.terminal import note, report_errors

app = Commands(
    help="Measure cells that another program has found and tracked.",
    rich_markup_mode=None,
    no_args_is_help=True,
)


@app.callback()
def _top() -> None:
    """Measure cells that another program has found and tracked."""


@app.command(
    epilog="Examples:\n\n\b\n"
    "  pyama import ctc challenge --recording recording.nd2 --output results\n"
    "  pyama import ctc challenge/01_RES --recording recording.nd2 -o results --fovs 3"
)
@report_errors
def ctc(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="DIR", help="Folder of sequences such as 01_RES, or one sequence."
        ),
    ],
    recording: Annotated[
        Path,
        typer.Option(
            "--recording",
            metavar="FILE",
            help="The recording, in all formats of `pyama run`.",
            show_default=False,
        ),
    ],
    output: Output,
    pc: Pc = None,
    fl: Fl = None,
    pc_features: PcFeatures = None,
    fl_features: FlFeatures = None,
    fovs: Fovs = None,
    frames: Frames = None,
    workers: Workers = None,
    config: Config = None,
    settings: Set = None,
    plugins: Plugins = None,
    overwrite: Overwrite = False,
    redo: Redo = False,
    as_json: Json = False,
    verbose: Verbose = False,
    debug: Debug = False,
) -> None:
    """Measure masks and tracks of the Cell Tracking Challenge format.

    Reads mask000.tif, ... and res_track.txt, or man_track000.tif, ... and man_track.txt.
    Masks, tracks and mothers are taken as they are; copying, background, features, filters and
    tables are those of `pyama run`. 01_RES is FOV 0; 000_RES, as `pyama export ctc` names
    it, is FOV 0, too; --fovs names others.
    """
    from pyama.cli import run_command
    from pyama.runs.challenge_import import find_challenge
    from pyama.runs.request import Request

    found = find_challenge(folder, fovs)
    for text in found.notes:
        note(text)
    request = Request(
        *(recording, output, pc, fl or (), pc_features, fl_features, found.fovs, frames),
        *(workers, None, config, [*found.settings, *(settings or ())]),
        overwrite=overwrite,
        redo=redo,
    )
    raise typer.Exit(run_command.run(request, as_json=as_json, verbose=verbose))
