"""`pyama experiment`: describe and check an experiment of several recordings."""

from pathlib import Path
from typing import Annotated

import typer

from pyama.cli.options import Debug, Json
from pyama.cli.plain_help import Commands
from pyama.cli.terminal import (
    USAGE,
    error,
    note,
    report_errors,
    result,
    result_json,
    warning,
)

app = Commands(
    help="Describe and check an experiment of several recordings.",
    epilog="An experiment is a file:\n\n\b\n"
    "  experiment: transfection\n"
    "  recordings:\n"
    "    - {name: monday, folder: monday/results, replicate: 1}\n"
    "    - {name: tuesday, folder: tuesday/results, replicate: 2}\n"
    "  samples:\n"
    '    - {name: control, fovs: "0-3"}\n'
    '    - {name: drug, fovs: {monday: "4-7", tuesday: "4-6"}}\n\n'
    "folder: results of a run, relative to the file. fovs: the same in every recording, or "
    "by recording. replicate, day, plate and condition, of a recording or a sample, become "
    "columns of the tables; replicates are what is compared.\n\n"
    "A recording that was stopped and restarted is joined in time:\n\n\b\n"
    "    - {name: restarted, folder: monday/restarted, continues: monday, gap: 0.5}\n\n"
    "gap: hours from the last frame to the first one after it. cells: continue or new; by "
    "default, cells are continued after at most two intervals. drift: true measures how far "
    "the images have moved.\n\n"
    "Next steps:\n\n\b\n"
    "  pyama merge experiment.yaml\n"
    "  pyama fit experiment.yaml\n"
    "  pyama compare experiment.yaml\n"
    "  pyama report experiment.yaml",
    rich_markup_mode=None,
    no_args_is_help=True,
)
File = Annotated[Path, typer.Argument(metavar="FILE", help="The file of the experiment.")]


@app.command(
    epilog="Examples:\n\n\b\n"
    "  pyama experiment init monday/results tuesday/results\n"
    "  pyama experiment init plate_*/results --output plates.yaml"
)
@report_errors
def init(
    folders: Annotated[
        list[Path], typer.Argument(metavar="DIR...", help="Output folders of `pyama run`.")
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", metavar="FILE", help="The file to write; never overwritten."
        ),
    ] = Path("experiment.yaml"),
    debug: Debug = False,
) -> None:
    """Propose an experiment from the results of several recordings.

    Samples are the names of the positions or their wells, without a number at the end if they
    differ by nothing else; every recording is a replicate of its own. Edit the file before
    you use it.
    """
    from pyama.analysis.experiments.experiment_proposal import proposed_experiment
    from pyama.analysis.table_origins import distinct

    text = proposed_experiment(distinct(folders), output)
    try:
        with output.open("x", encoding="utf-8") as target:
            target.write(text)
    except FileExistsError:
        error(f"{output} exists and is not overwritten. Choose another name or remove it.")
        raise typer.Exit(USAGE) from None
    result(f"Wrote {output}. Edit it, then: pyama experiment check {output}")


@app.command(
    epilog="Examples:\n\n\b\n"
    "  pyama experiment check experiment.yaml\n"
    "  pyama experiment check experiment.yaml --json"
)
@report_errors
def check(file: File, as_json: Json = False, debug: Debug = False) -> None:
    """Check an experiment, and show what its samples consist of.

    An error lists everything that is wrong in the file or in its folders; a warning says what
    differs between the recordings. Nothing is written.
    """
    from pyama.analysis.experiments.experiment_file import load_experiment
    from pyama.analysis.experiments.experiment_summary import check_experiment

    checked = check_experiment(load_experiment(file))
    if as_json:
        result_json("experiment", checked.entries())
        return
    for line in checked.lines():
        result(line)
    for text in checked.warnings:
        warning(text)
    note(f"Next step: pyama merge {file}")
