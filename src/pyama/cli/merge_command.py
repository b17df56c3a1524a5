"""The command `merge`. Slow modules are imported inside."""

from pathlib import Path
from typing import Annotated

import typer

from pyama.cli.options import Debug, Folders, Json, Parquet
from pyama.cli.terminal import note, report_errors, result, result_json, warning
from pyama.errors import ConfigError


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        epilog="Examples:\n\n\b\n"
        "  pyama merge results --samples samples.yaml\n"
        "  pyama merge results --by-position-name --output tables --tidy\n"
        "  pyama merge experiment.yaml\n\n"
        "In samples.yaml, ranges include their end:\n\n\b\n"
        '  samples: [{name: control, fovs: "0-5, 7"}, {name: drug, fovs: [8, 9]}]'
    )(merge)


@report_errors
def merge(
    folders: Folders,
    samples: Annotated[
        Path | None,
        typer.Option("--samples", metavar="FILE", help="Samples and their fields of view."),
    ] = None,
    by_position_name: Annotated[
        bool,
        typer.Option(
            "--by-position-name",
            help="Take the names of the positions, or their wells, as samples.",
        ),
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="DIR", help="Folder of the tables. [default: DIR]"
        ),
    ] = None,
    tidy: Annotated[
        bool,
        typer.Option(
            "--tidy",
            help="Also write a table per feature with the columns time (h), fov, cell, value.",
        ),
    ] = False,
    parquet: Parquet = False,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Put the traces of each sample into one table.

    DIR is the output folder of a run, or the file of an experiment of several recordings, see
    `pyama experiment`; its tables are written into a folder beside it, experiment_merged.

    Writes SAMPLE_merged.csv for every sample. Inspected traces replace the others; rows that
    were marked as bad are left out. Lines that begin with # describe the origin of the table
    and the time of every frame.
    """
    from pyama.analysis.table_origins import distinct

    folder, *others = distinct(folders)
    if others:
        raise ConfigError(
            f"{len(others) + 1} folders were given. To merge several recordings, describe "
            "them in a file: `pyama experiment init` with these folders writes one, and "
            "`pyama merge` takes it."
        )
    from pyama.analysis.experiments.experiment_file import is_experiment

    if is_experiment(folder):
        if samples is not None or by_position_name:
            raise ConfigError(
                "The file of the experiment has the samples. Leave out --samples and "
                "--by-position-name."
            )
    elif (samples is None) is not by_position_name:
        raise ConfigError("Choose how samples are defined: --samples or --by-position-name.")
    from pyama.analysis.experiments.experiment_merge import join_notes
    from pyama.analysis.merge import write_merged
    from pyama.analysis.result_notes import table_remarks

    written = write_merged(folder, samples, output, tidy=tidy, parquet=parquet)
    tables = [paths[0] for paths in written.values()]
    for text in table_remarks(tables):
        warning(text)
    for text in join_notes(tables[0].parent) if is_experiment(folder) else ():
        note(text)
    if as_json:
        files = {name: [str(path) for path in paths] for name, paths in written.items()}
        result_json("merge", {"samples": files})
        return
    for name, paths in written.items():
        result(f"{name}: {paths[0]}{_and_more(paths)}")


def _and_more(paths: list[Path]) -> str:
    return f" and {len(paths) - 1} more" if len(paths) > 1 else ""
