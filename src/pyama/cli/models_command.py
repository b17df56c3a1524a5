"""The command `models`. Slow modules are imported inside."""

from dataclasses import asdict

import typer

from pyama.cli.options import Debug, Json, Plugins
from pyama.cli.terminal import report_errors, result, result_json


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog="Examples:\n\n\b\n  pyama models\n  pyama models --plugins my_plugins")(
        models
    )


@report_errors
def models(plugins: Plugins = None, as_json: Json = False, debug: Debug = False) -> None:
    """List the models that `pyama fit` can fit.

    With units and bounds of their parameters.
    """
    from pyama.analysis.fitting.model_list import describe_models, model_lines

    if as_json:
        result_json("models", {"models": [asdict(model) for model in describe_models()]})
        return
    for line in model_lines():
        result(line)
