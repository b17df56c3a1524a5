"""Options that several commands share, with their help."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer


class DemoFormat(StrEnum):
    """File formats of the demo."""

    CZI = "czi"
    ND2 = "nd2"


def _option(*names: str, **how: Any) -> Any:
    return typer.Option(*names, show_default=False, **how)


File = Annotated[
    Path,
    typer.Argument(
        metavar="FILE",
        help="An ND2, CZI or TIFF file, or the folder of an OME-Zarr or of TIFF files.",
    ),
]
Folder = Annotated[
    Path, typer.Argument(metavar="DIR", help="The output folder of `pyama run`.")
]
Folders = Annotated[
    list[Path], typer.Argument(metavar="DIR", help="The output folder of `pyama run`.")
]
Output = Annotated[
    Path,
    _option(
        "--output",
        "-o",
        metavar="DIR",
        help="Output folder; created if it does not exist. Finished results in it are kept.",
    ),
]
Pc = Annotated[
    str | None,
    _option(
        "--pc",
        metavar="CHANNEL",
        help="Phase contrast channel, in which cells are found: its index from 0, or its name "
        "or a part of it. [default: chosen by the names if unambiguous]",
    ),
]
Fl = Annotated[
    list[str] | None,
    _option(
        "--fl",
        metavar="CHANNEL",
        help="Fluorescence channel to measure, as with --pc; may be given several times. --pc "
        "and --fl replace all channels of --config: with --fl alone there is no phase "
        "contrast, with --pc alone no fluorescence.",
    ),
]
PcFeatures = Annotated[
    str | None,
    _option(
        "--pc-features",
        metavar="NAMES",
        help="What to measure in phase contrast, separated by commas; '' for nothing. "
        "[default: area,aspect_ratio]",
    ),
]
FlFeatures = Annotated[
    str | None,
    _option(
        "--fl-features",
        metavar="NAMES",
        help="What to measure in fluorescence. [default: intensity_total,intensity_mean]",
    ),
]
Fovs = Annotated[
    str | None,
    _option(
        "--fovs",
        metavar="LIST",
        help="Fields of view from 0, ranges include their end: 0-3,7 is five of them, 0-:2 "
        "every second one. "
        "[default: all]",
    ),
]
ShardText = Annotated[
    str | None,
    _option(
        "--shard",
        metavar="K/N",
        help="Process only part K of N of the fields of view, for N jobs of an array with the "
        "same DIR; auto/N takes K from the queue (Slurm, SGE, PBS). The parts can run at the "
        "same time, and a part that is started again goes on.",
    ),
]
TimeLimit = Annotated[
    str | None,
    _option(
        "--time-limit",
        metavar="TIME",
        help="Stop within a frame after this time, such as 3h50m, before a queue ends the "
        "job; the same command continues.",
    ),
]
Scratch = Annotated[
    Path | None,
    _option(
        "--scratch",
        metavar="DIR",
        help="Make every output in this fast folder of the computer, such as $TMPDIR of a "
        "job, before it is copied into the output folder.",
    ),
]
Frames = Annotated[
    str | None,
    _option(
        "--frames",
        metavar="LIST",
        help="Frames of the recording from 0: 0-59, 60- for all from 60 on, 0-178:3 or 0-:3 "
        "for every third one. They are numbered anew from 0; times count from the first frame "
        "of the recording. [default: all]",
    ),
]
Workers = Annotated[
    int | None,
    _option(
        "--workers",
        "-j",
        min=1,
        max=1024,
        metavar="N",
        help="Fields of view processed at the same time. [default: one per core, at most 8]",
    ),
]


def _executor(name: str) -> str:
    from pyama.errors import ConfigError
    from pyama.processing.executors.local import check_executor

    try:
        check_executor(name)
    except ConfigError as error:
        raise typer.BadParameter(str(error)) from error
    return name


Executor = Annotated[
    str,
    _option(
        "--executor",
        metavar="threads|processes|dask|ADDRESS",
        callback=_executor,
        help="How fields of view are processed at the same time: in threads, in processes, or "
        "by Dask, on this machine or by the workers of a scheduler with an address such as "
        "tcp://node7:8786. All but threads start more slowly and need plugins that can be "
        "imported by name. The results are the same. [default: threads]",
    ),
]
BatchSize = Annotated[
    int | None,
    _option(
        "--batch-size",
        min=1,
        metavar="N",
        help="Largest number of copied fields of view that wait for a worker; a single worker "
        "copies each when it needs it. [default: 2]",
    ),
]
Config = Annotated[
    Path | None,
    _option(
        "--config",
        "-c",
        metavar="FILE",
        help="Configuration file in YAML, from `pyama config init` or the "
        "processing_config.yaml of an earlier run.",
    ),
]
Set = Annotated[
    list[str] | None,
    _option(
        "--set",
        "-s",
        metavar="NAME=VALUE",
        help="Change one parameter; may be given several times. It overrides --config, and "
        "options such as --workers override it. `pyama config init` lists names, units and "
        "bounds.",
    ),
]


def _load(folders: list[Path] | None) -> list[Path] | None:
    from pyama.cli.plugin_commands import load

    load(folders or [])
    return folders


Plugins = Annotated[
    list[Path] | None,
    _option(
        "--plugins",
        metavar="DIR",
        callback=_load,
        help="Load the plugins in a folder, or a single file; may be given several times. "
        "Installed plugins are always loaded. `pyama plugins list` lists plugins and "
        "their parameters, which are set by --set NAME.PARAMETER=VALUE.",
    ),
]
CopyOnly = Annotated[bool, _option("--copy-only", help="Stop after copying the raw frames.")]
Overwrite = Annotated[
    bool,
    _option(
        "--overwrite",
        help="First remove the results of these fields of view, or all of another recording.",
    ),
]
Redo = Annotated[
    bool,
    _option(
        "--redo",
        help="Replace results that a person has inspected. Without it, a run that would do "
        "this asks first, or stops if it cannot ask.",
    ),
]
Json = Annotated[
    bool, _option("--json", help="Print one JSON object on stdout, nothing else.")
]
Verbose = Annotated[
    bool,
    _option("--verbose", "-v", help="Also show the lines of run.log on the screen."),
]
Debug = Annotated[bool, _option("--debug", help="Show the traceback of an error.")]
Parquet = Annotated[
    bool,
    typer.Option(
        "--parquet",
        help="Also write Parquet files; needs pip install 'pyama-traces[parquet]'.",
    ),
]
