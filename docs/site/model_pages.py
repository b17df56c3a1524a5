"""The page of models and their parameters, from the models."""

from pyama.analysis.fitting.model_list import ParameterDescription, describe_models

HEAD = """# Models

The models of `pyama fit --model NAME`. [Which model](../howto/which_model.md) has
their equations.

"""


def model_page() -> str:
    """Return the page."""
    parts = [HEAD]
    for model in describe_models():
        parts += [f"## {model.name}", "", f"{model.description} {_source(model.source)}", ""]
        if model.name != "auto":
            parts += ["| parameter | unit | bounds | meaning |", "|---|---|---|---|"]
            parts += [_row(parameter) for parameter in model.parameters]
        parts.append("")
    return "\n".join(parts) + "\n"


def _source(source: str) -> str:
    doi = source.removeprefix("doi:")
    return f"[{source}](https://doi.org/{doi})" if source else ""


def _row(parameter: ParameterDescription) -> str:
    low = "" if parameter.lower is None else f"from {parameter.lower:g}"
    high = "" if parameter.upper is None else f" to {parameter.upper:g}"
    fixed = f"; fixed at {parameter.default:g} by default" if parameter.fixed else ""
    cells = (f"`{parameter.name}`", parameter.unit, low + high, parameter.description + fixed)
    return "| " + " | ".join(cells) + " |"
