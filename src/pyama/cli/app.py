"""The commands with their options and help. Modules that load slowly are imported inside."""

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from pyama.cli import (
    analysis_commands,
    cite_command,
    clean_command,
    config_commands,
    demo_options,
    experiment_commands,
    export_commands,
    import_commands,
    merge_command,
    models_command,
    pack_commands,
    plot_commands,
    plugin_commands,
    statistics_commands,
    suggest_command,
    train_command,
    view_command,
)
from pyama.cli.options import (
    BatchSize,
    Config,
    CopyOnly,
    Debug,
    Executor,
    File,
    Fl,
    FlFeatures,
    Folder,
    Fovs,
    Frames,
    Json,
    Output,
    Overwrite,
    Pc,
    PcFeatures,
    Plugins,
    Redo,
    Scratch,
    Set,
    ShardText,
    TimeLimit,
    Verbose,
    Workers,
)
from pyama.cli.plain_help import Commands
from pyama.cli.plugin_help import PluginCommand
from pyama.cli.terminal import report_errors, result, result_json

if TYPE_CHECKING:
    from pyama.runs.request import Request

app = Commands(
    name="pyama",
    help="From time-lapse microscopy to single-cell traces.",
    epilog="Start with\n\n\b\n  pyama demo\n  pyama info RECORDING\n"
    "  pyama run RECORDING --output DIR\n\n"
    "Exit codes: 0 done, 1 something failed, 2 wrong usage, 130 stopped by Ctrl-C.",
    rich_markup_mode=None,  # Rich takes half a second to print a help text
    pretty_exceptions_enable=False,
    add_completion=False,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(config_commands.app, name="config")
app.add_typer(plugin_commands.app, name="plugins")
app.add_typer(experiment_commands.app, name="experiment")
app.add_typer(export_commands.app, name="export")
app.add_typer(import_commands.app, name="import")
app.add_typer(plot_commands.app, name="plot")


def _version(wanted: bool) -> None:
    if wanted:
        from pyama.version import __version__

        result(f"pyama {__version__}")
        raise typer.Exit


@app.callback()
def _top(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """From time-lapse microscopy to single-cell traces."""


@app.command(
    epilog="Examples:\n\n\b\n  pyama info recording.nd2\n  pyama info scan.czi --json\n"
    "  pyama info recording.nd2 --frames 0-:3"
)
@report_errors
def info(
    file: File,
    frames: Frames = None,
    settings: Set = None,
    plugins: Plugins = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Show the content of a microscope file and its problems.

    Fields of view, frames, channels, pixel size in micrometres, time in minutes; frames that
    were never written and implausible time stamps are listed. With --frames, of these frames
    only. With --plugins, also files of formats that plugins read.
    """
    from pyama.cli.info_command import info_entries, info_lines, read_description

    metadata = read_description(file, frames, settings or ())
    if as_json:
        result_json("info", info_entries(metadata))
    else:
        result("\n".join(info_lines(metadata)))


def _with_run_options(act: Callable[["Request", str, bool, bool], int]) -> Callable[..., None]:
    """Return a command with the options of a run, which calls `act` and has its help."""

    def command(
        file: File,
        output: Output,
        pc: Pc = None,
        fl: Fl = None,
        pc_features: PcFeatures = None,
        fl_features: FlFeatures = None,
        fovs: Fovs = None,
        shard: ShardText = None,
        frames: Frames = None,
        workers: Workers = None,
        executor: Executor = "threads",
        batch_size: BatchSize = None,
        config: Config = None,
        settings: Set = None,
        plugins: Plugins = None,
        copy_only: CopyOnly = False,
        overwrite: Overwrite = False,
        redo: Redo = False,
        time_limit: TimeLimit = None,
        scratch: Scratch = None,
        as_json: Json = False,
        verbose: Verbose = False,
        debug: Debug = False,
    ) -> None:
        from pyama.runs.request import Request
        from pyama.runs.shards import parse_shard
        from pyama.runs.time_limits import parse_time_limit

        request = Request(
            *(file, output, pc, fl or (), pc_features, fl_features, fovs, frames, workers),
            *(batch_size, config, settings or (), copy_only, overwrite, redo),
            shard=None if shard is None else parse_shard(shard, os.environ),
            time_limit_s=None if time_limit is None else parse_time_limit(time_limit),
            scratch=scratch,
        )
        raise typer.Exit(act(request, executor, as_json, verbose))

    command.__doc__ = act.__doc__
    return report_errors(command)


@app.command(
    "run",
    cls=PluginCommand,
    epilog="Examples:\n\n\b\n"
    "  pyama run recording.nd2 --output results\n"
    "  pyama run recording.nd2 --output results --pc Phase --fl GFP --fl RFP\n"
    "  pyama run scan.czi -o results --fovs 0-3,7 --set min_frames=10 --set min_iou=0.2\n"
    "  pyama run scan.czi -o first_part --frames 0-59\n"
    "  pyama run scan.czi -o results --set segmentation_method=watershed\n"
    "  pyama run scan.czi -o results --shard auto/40 --time-limit 3h50m\n\n"
    "Ctrl-C stops within a frame; the same command continues it. Exit codes: 0 done, 1 "
    "something failed, 2 wrong usage, 130 stopped.",
)
@_with_run_options
def _run(request: "Request", executor: str, as_json: bool, verbose: bool) -> int:
    """Process a recording: find, follow and measure its cells.

    Copies the frames, finds the cells in phase contrast, follows them through time, estimates
    the fluorescent background, cuts the cells out, measures them and writes one CSV file of
    traces per field of view. Finished outputs in DIR are kept; after a change
    of parameters, only outputs that depend on it are made again, see `pyama plan`.
    """
    from pyama.cli import run_command

    return run_command.run(request, executor, as_json=as_json, verbose=verbose)


@app.command(
    "plan",
    cls=PluginCommand,
    epilog="Examples:\n\n\b\n"
    "  pyama plan recording.nd2 --output results --set min_iou=0.3\n"
    "  pyama plan recording.nd2 --output results --config mine.yaml --json",
)
@_with_run_options
def _plan(request: "Request", executor: str, as_json: bool, verbose: bool) -> int:
    """Show what a run would do, and why, without running it.

    Takes the same options as `pyama run` and writes nothing. A step runs when its output is
    not finished, when a parameter it reads has changed, when its input changes, or when files
    of its output are missing.
    """
    from pyama.cli import plan_command

    plan_command.show(request, as_json=as_json)
    return 0


@app.command(
    epilog="Examples:\n\n\b\n  pyama verify results\n  pyama verify results --quick --json\n"
    "  pyama verify results --complete\n\n"
    "Exit codes: 0 undamaged, 1 something is damaged or not finished, 2 wrong usage."
)
@report_errors
def verify(
    folder: Folder,
    quick: Annotated[
        bool,
        typer.Option("--quick", help="Compare presence and size of files, not their content."),
    ] = False,
    complete: Annotated[
        bool,
        typer.Option(
            "--complete",
            help="Every field of view of the recording must be finished, see `pyama status`.",
        ),
    ] = False,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Check that results are unchanged since a run wrote them.

    Compares every file with the checksum that was taken when it was written, and names those
    that are missing, truncated or changed. `pyama run` then makes exactly those again.
    """
    from pyama.cli import verify_command

    raise typer.Exit(
        verify_command.show(folder, quick=quick, complete=complete, as_json=as_json)
    )


@app.command(
    epilog="Examples:\n\n\b\n  pyama status results\n  pyama status results --json\n\n"
    "Exit codes: 0 every field of view of the recording is finished, 1 not all are, 2 wrong "
    "usage."
)
@report_errors
def status(
    folder: Folder, plugins: Plugins = None, as_json: Json = False, debug: Debug = False
) -> None:
    """Show which fields of view are finished, and which failed.

    Reads the output folder only; runs may be at work on any computer. A run notes why a field
    of view failed when it ends. If the run needed --plugins, give them here, too.
    """
    from pyama.cli import status_command

    raise typer.Exit(status_command.show(folder, as_json=as_json))


for _module in (
    *(demo_options, suggest_command, clean_command, pack_commands),
    *(merge_command, models_command),
    *(analysis_commands, statistics_commands, cite_command, train_command, view_command),
):
    _module.register(app)
