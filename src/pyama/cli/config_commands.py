"""`pyama config`: write, describe and check configuration files."""

import json
from pathlib import Path
from typing import Annotated

import typer

from pyama.cli.options import Debug, Plugins
from pyama.cli.plain_help import Commands
from pyama.cli.terminal import USAGE, error, report_errors, result

app = Commands(
    help="Write, describe and check configuration files.",
    rich_markup_mode=None,
    no_args_is_help=True,
)


@app.command(
    epilog="Examples:\n\n\b\n  pyama config init mine.yaml\n  pyama config init | less"
)
@report_errors
def init(
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FILE]", help="Output file; never overwritten. [default: stdout]"
        ),
    ] = None,
    plugins: Plugins = None,
    debug: Debug = False,
) -> None:
    """Write a commented example configuration.

    It lists every parameter with its meaning, unit, bounds and default.
    """
    from pyama.cli.config_example import example

    if file is None:
        typer.echo(example(), nl=False)
        return
    try:
        with file.open("x", encoding="utf-8") as target:
            target.write(example())
    except FileExistsError:
        error(f"{file} exists and is not overwritten. Choose another name or remove it.")
        raise typer.Exit(USAGE) from None
    result(f"Wrote {file}. Edit it, then: pyama run RECORDING --output DIR --config {file}")


@app.command(epilog="Example:\n\n\b\n  pyama config schema > pyama.schema.json")
@report_errors
def schema(plugins: Plugins = None, debug: Debug = False) -> None:
    """Print the JSON schema of a configuration.

    Editors complete and check a configuration with it.
    """
    from pyama.config import config_schema

    result(json.dumps(config_schema(), indent=1))


@app.command(epilog="Example:\n\n\b\n  pyama config check mine.yaml")
@report_errors
def check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A configuration in YAML.")],
    plugins: Plugins = None,
    debug: Debug = False,
) -> None:
    """List all mistakes in a configuration.

    The exit code is 2 if there are any.
    """
    from pyama.config import load_config
    from pyama.processing.methods import unknown_names

    unknown = unknown_names(load_config(file))
    if unknown:
        error(f"{file} contains unknown names:\n  " + "\n  ".join(unknown))
        raise typer.Exit(USAGE)
    result(f"{file} is valid.")
