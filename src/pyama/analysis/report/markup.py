"""Pieces of HTML. All text that is not HTML itself is escaped here."""

import base64
import html
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from pyama.analysis.table_files import neutralise_formulas

TEXTS = frozenset({"text", "name", "wrap"})
SHOWN_ROWS = 400
"""Largest number of rows that are shown; the file behind `save as CSV` has all."""


def escape(value: object) -> str:
    """Return text that HTML shows literally, also inside quotes."""
    return html.escape(str(value), quote=True)


def plot(figure: Mapping[str, Any], *, wide: bool = False, before: str = "") -> str:
    """Return an element for a figure, and its data, which is drawn when it becomes visible.

    Args:
        figure: For plotly.js, or of `pyama.analysis.report.distributions.scatter`.
        wide: Whether the figure fills the width of the page.
        before: HTML above the figure.
    """
    data = json.dumps(figure, separators=(",", ":"), allow_nan=False)
    for sign in "<>&":  # nothing in the data can end the script element
        data = data.replace(sign, f"\\u{ord(sign):04x}")
    height = figure.get("layout", {}).get("height")
    style = f' style="min-height: {height:d}px"' if height else ""
    place = f'<div class="chart"{style}></div>'
    kind = ' class="wide"' if wide else ""
    script = f'<script type="application/json">{data}</script>'
    return f"<div{kind}>{before}{place}{script}</div>"


def choice(name: str, label: str, content: str) -> str:
    """Return one of several pieces between which `chooser` switches."""
    return f'<div data-choice="{escape(name)}" data-label="{escape(label)}">{content}</div>'


def chooser(name: str, label: str) -> str:
    """Return the list from which one piece of `choice` is selected."""
    return f'<label>{escape(label)} <select data-choose="{escape(name)}"></select></label>'


def grid(pieces: Iterable[str]) -> str:
    """Return pieces side by side, in as many columns as fit."""
    return f'<div class="grid">{"".join(pieces)}</div>'


def details(summary: str, content: str) -> str:
    """Return content that is hidden until it is opened."""
    return f"<details><summary>{escape(summary)}</summary>{content}</details>"


def paragraph(text: str) -> str:
    """Return a paragraph of plain text."""
    return f'<p class="soft">{escape(text)}</p>'


def section(key: str, title: str, *content: str) -> str:
    """Return a section to which the list of contents links."""
    inside = "\n".join(content)
    return f'<section id="{key}"><h2>{escape(title)}</h2>\n{inside}\n</section>'


def table(frame: pd.DataFrame, kinds: Mapping[str, str] | None = None, save: str = "") -> str:
    """Return a table of numbers and names.

    Args:
        frame: The table; NaN becomes a dash.
        kinds: `text`, `name` or `wrap` (with line breaks, short or long) for columns that are
            not numbers.
        save: Name of the CSV file with all rows that a link saves; empty for no link.
    """
    given = (kinds or {}).get
    names = [str(name) for name in frame]
    css = [f' class="{given(name)}"' if given(name) in TEXTS else "" for name in names]
    head = "".join(
        f"<th{kind}>{escape(name)}</th>" for kind, name in zip(css, names, strict=True)
    )
    rows = [
        "".join(f"<td{kind}>{_cell(v)}</td>" for kind, v in zip(css, row, strict=True))
        for row in frame.head(SHOWN_ROWS).itertuples(index=False)
    ]
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    rest = len(frame) - SHOWN_ROWS
    more = paragraph(f"and {rest} more rows") if rest > 0 else ""
    inside = f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody>"
    drawn = f'<div class="scroll" tabindex="0"><table>{inside}</table></div>{more}'
    return drawn + save_link(frame, save) if save else drawn


def save_link(frame: pd.DataFrame, name: str) -> str:
    """Return a link that saves a table as a CSV file."""
    data = base64.b64encode(neutralise_formulas(frame).to_csv(index=False).encode()).decode()
    href = f"data:text/csv;charset=utf-8;base64,{data}"
    return f'<a class="save" download="{escape(name)}" href="{href}">save as CSV</a>'


def _cell(value: object) -> str:
    if isinstance(value, float):
        return "\N{EN DASH}" if math.isnan(value) else number(value)
    return escape(value)


def number(value: float) -> str:
    """Return a number with four digits; large ones with thin spaces and no exponent."""
    if 1000 <= abs(value) < 1e9:
        return f"{float(f'{value:.4g}'):,.0f}".replace(",", "\N{NARROW NO-BREAK SPACE}")
    return f"{value:.4g}"


def facts(entries: Sequence[tuple[str, object, str]]) -> str:
    """Return a list of names, values and remarks."""
    items = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}<small>{escape(remark)}</small></dd>"
        "</div>"
        for name, value, remark in entries
    )
    return f'<dl class="facts">{items}</dl>'


def notes(sentences: Sequence[str]) -> str:
    """Return sentences as a list that stands out; empty without sentences."""
    items = "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences)
    return f'<ul class="notes">{items}</ul>' if items else ""
