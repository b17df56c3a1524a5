"""The texts in the source that a user may see, and the messages on `docs/messages.md`."""

import ast
import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src/pyama"
PAGE = ROOT / "docs/messages.md"
PLACE = "\0"
"""Stands for a placeholder."""
FEWEST_WORDS = 3
"""A text with fewer words of its own is a name, a unit or a part of another text."""
NOT_SHOWN = ("Option", "Argument", "cast", "compile", "debug")
"""Calls whose texts are no messages: help, types, patterns, and lines that nobody sees."""
NO_MESSAGES = [
    r"(__init__|layout|units|store/ome|runs/log|traces/corrections)\.py",  # names and formats
    r"analysis/((removed_outputs|left_out_counts|statistics).py:$|figures/plots|table_columns)",
    r"analysis/(comparison_text|expression.py:expression_sentence)",
    r"analysis/fitting/(fit_(settings|files).py:$|models|model_list)",  # help
    r"analysis/report/(?!report_data|recording_sections)",
    r"analysis/report/recording_sections.py:(?!_notes)",
    r"exports/(codebook|label_export|geff_export)\.py",  # meanings of columns, names of files
    r"exports/opened_results.py:(_facts|_repr_html_)",
    r"cli/(config_example|demo_command|fit_options|plugin_help)\.py",  # help
    r"cli/(view_command|clean_command|train_command)\.py:$",
    r"(metadata.py:frame_times|runs/run_counts|runs/progress|cli/info_command.py:_options)",
    r"(runs/active_run.py:opening_lines|cli/(config_commands.py:init|server.py:_announce))",
    r"(analysis/experiments/experiment_proposal.py|cli/experiment_commands.py)",  # next steps
    r"(cli/plugin_commands.py:new|runs/request.py:_typed_channels|runs/summary.py:summary_lines)",
    r"(yaml_files.py:parse_yaml|processing/record.py:_text|processing/executors/dask.py:_looking)",
    r"readers/pattern_proposal.py:$",  # words in names of files
    r"(processing/steps/|web/)\w+.py:$",  # titles, headers of answers, descriptions
    r"(runs/form_fields|web/(form_routes.py:(_without_images|schema)|application.py:create_app))",
    r"web/file_routes.py:archive",
    r"napari_plugin/trace_dock.py:_arrange",  # names of fields
    r"runs/methods_text.py",  # a paragraph for a publication
]
"""Where texts are no messages, as FILE:FUNCTION."""


@dataclass(frozen=True)
class Text:
    """A text in the source.

    Attributes:
        place: File and function that contain it; no function outside of functions.
        template: The text, with `PLACE` for every placeholder, single spaces, no backticks.
        raised: The exception that the text is for, else empty.
    """

    place: str
    template: str
    raised: str

    @property
    def parts(self) -> list[str]:
        """What is between the placeholders."""
        return [part for part in self.template.split(PLACE) if part.strip()]

    @property
    def words(self) -> int:
        """Number of words between the placeholders."""
        return n_words(" ".join(self.parts))

    def spans(self, message: str) -> list[tuple[int, int]]:
        """Return where the parts are in a message, in their order; nothing if they are not."""
        spans, at = [], 0
        for part in self.parts:
            start = message.find(part, at)
            if start < 0:
                return []
            at = start + len(part)
            spans.append((start, at))
        return spans


def n_words(text: str) -> int:
    """Return the number of words of two or more letters."""
    return sum(bool(re.search(r"[A-Za-z]{2}", word)) for word in text.split())


def texts() -> list[Text]:
    """Return all texts of the source that have a word of their own."""
    found: list[Text] = []
    for path in sorted(SOURCE.rglob("*.py")):
        if {"testing", "templates"}.isdisjoint(path.relative_to(SOURCE).parts):
            scan = _Scan(path.relative_to(SOURCE).as_posix())
            scan.visit(ast.parse(path.read_text(encoding="utf-8")))
            found += scan.found
    for path in sorted(SOURCE.rglob("*.js")):
        for text in re.findall(
            r"new (?:Lost)?Error\([\"`](.+?)[\"`]\)", path.read_text("utf-8")
        ):
            found.append(Text(path.name, re.sub(r"\$\{[^}]*\}", PLACE, text), "Error"))
    return [text for text in found if text.words]


def is_message(text: Text) -> bool:
    """Whether a text is a message, which the page must have."""
    is_other = any(re.match(pattern, text.place) for pattern in NO_MESSAGES)
    of_programs = text.raised in ("ArrayError", "AttributeError")  # wrong calls in Python
    return text.words >= FEWEST_WORDS and not is_other and not of_programs


def spans_of_page() -> list[str]:
    """Return everything that the page shows as code."""
    return re.findall(r"`([^`\n]+)`", PAGE.read_text(encoding="utf-8"))


def shown_messages() -> list[str]:
    """Return the messages of the page that have several words of their own."""
    own = {span: re.sub(r"\{[^}]*\}", "", span) for span in spans_of_page()}
    return [span for span, rest in own.items() if n_words(rest) > 1]


def stale_part(message: str, known: list[Text]) -> str:
    """Return the words of a message that no text of the source has."""
    is_known = [False] * len(message)
    places = [place.span() for place in re.finditer(r"\{[^}]*\}", message)]
    for start, stop in places + [s for text in known for s in text.spans(message)]:
        is_known[start:stop] = [True] * (stop - start)
    rest = "".join(" " if known else c for c, known in zip(message, is_known, strict=True))
    return " ".join(rest.split())


def pattern_of(message: str) -> str:
    """Return a regular expression for lines that show a message of the page."""
    pieces = re.split(r"(\{[^}]*\}|[\[\]])", message)
    special = {"[": "(?:", "]": ")?"}
    return "".join(
        ".*" if piece.startswith("{") else special.get(piece) or re.escape(piece)
        for piece in pieces
    )


class _Scan(ast.NodeVisitor):
    def __init__(self, file: str) -> None:
        self.file, self.found = file, list[Text]()
        self._functions, self._raised = [""], ""

    def visit_Expr(self, node: ast.Expr) -> None:
        if not isinstance(node.value, ast.Constant):  # not a docstring
            self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._functions.append(node.name)
        for inner in (*node.args.defaults, *node.body):
            self.visit(inner)
        self._functions.pop()

    def visit_Call(self, node: ast.Call) -> None:
        before = self._raised
        if _name(node).endswith("Error"):
            self._raised = _name(node)
        if _name(node) not in NOT_SHOWN:
            self.generic_visit(node)
        self._raised = before

    def visit_keyword(self, node: ast.keyword) -> None:
        if node.arg not in ("help", "epilog", "thread_name_prefix"):
            self.generic_visit(node)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        self._add("".join(_literal(value) for value in node.values))
        for value in node.values:
            if isinstance(value, ast.FormattedValue):
                self.visit(value.value)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str):
            self._add(node.value)

    def _add(self, template: str) -> None:
        template = re.sub(r"%[sd]|\{\}", PLACE, template).replace("{{", "{").replace("}}", "}")
        place = f"{self.file}:{self._functions[-1]}"
        text = " ".join(template.replace("`", "").split())
        self.found.append(Text(place, text, self._raised))


def _literal(value: ast.expr) -> str:
    return str(value.value) if isinstance(value, ast.Constant) else PLACE


def _name(node: ast.Call) -> str:
    return getattr(node.func, "attr", getattr(node.func, "id", ""))
