"""A pattern for the names of files that seem to be one recording."""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence

HINTS = {
    "t": "t tp time timepoint timepoints frame frames f",
    "c": "c ch chan channel w wv wavelength",
    "z": "z slice plane",
    "p": "p xy s pos position fov scene series site m field well",
}
"""Words before a number that say which axis it counts."""
KNOWN = (
    (r"img_\d+_[^/]+_\d+\.tiff?", "img_{t}_{c}_{z}"),
    (
        r"img_channel\d+_position\d+_time\d+_z\d+\.tiff?",
        "img_channel{c}_position{p}_time{t}_z{z}",
    ),
)
"""Names of Micro-Manager."""
_TOKENS = re.compile(r"\d+|[A-Za-z]+|[^A-Za-z\d]")


def propose_pattern(names: Sequence[str]) -> str | None:
    """Return a pattern for names of files; None if they do not suggest one.

    Args:
        names: Names relative to a folder, with `/`.
    """
    if len(names) < 2:
        return None
    for expression, pattern in KNOWN:
        found = [n for n in names if re.fullmatch(rf"([^/]+/)?{expression}", n, re.IGNORECASE)]
        if len(found) == len(names):
            suffix = names[0].rpartition(".")[2]
            return ("{p}/" if "/" in names[0] else "") + f"{pattern}.{suffix}"
    return _by_columns(names)


def _by_columns(names: Sequence[str]) -> str | None:
    """Find the parts of the most common form of names that vary."""
    groups: dict[tuple[str, ...], list[list[str]]] = defaultdict(list)
    for name in names:
        folder, slash, file = name.rpartition("/")
        tokens = [*([folder, slash] if slash else []), *_TOKENS.findall(file)]
        groups[tuple(_kind(token) for token in tokens)].append(tokens)
    rows = max(groups.values(), key=len)
    columns = [list(column) for column in zip(*rows, strict=True)]
    varying = _joined([len(set(column)) > 1 for column in columns], columns)
    axes = _axes(columns, varying)
    if not axes:
        return None
    text = ""
    for i, column in enumerate(columns):
        start = next((span for span in axes if span[0] <= i < span[1]), None)
        if start is None:
            text += column[0]
        elif start[0] == i:
            text += f"{{{axes[start]}}}"
    return text


def _kind(token: str) -> str:
    if token.isdigit():
        return "0"
    return "a" if token.isalpha() or len(token) > 1 else token


Span = tuple[int, int]
"""First column and the one after the last."""


def _joined(varies: list[bool], columns: list[list[str]]) -> list[Span]:
    """Return the columns that vary, with neighbours that vary together as one: `1Phase`."""
    spans: list[Span] = []
    for i, here in enumerate(varies):
        if not here:
            continue
        if spans and spans[-1][1] == i:
            pairs = set(zip(columns[i - 1], columns[i], strict=True))
            if len(pairs) == len(set(columns[i - 1])) == len(set(columns[i])):
                spans[-1] = spans[-1][0], i + 1
                continue
        spans.append((i, i + 1))
    return spans


def _axes(columns: list[list[str]], spans: list[Span]) -> dict[Span, str]:
    """Return the axis of every part that varies; nothing if it is not clear."""
    axes: dict[Span, str] = {}
    for span in spans:
        hinted = _hinted(columns, span)
        if hinted is not None:
            axes[span] = hinted
    if not any(value.isdigit() for span in spans for value in columns[span[0]]):
        return axes if "p" in axes.values() else {}
    if max(Counter(axes.values()).values(), default=0) > 1:
        return {}
    rest = sorted(
        (span for span in spans if span not in axes),
        key=lambda span: (
            columns[span[0]][0].isdigit(),
            len(set(columns[span[0]])),
            -span[0],
        ),
    )
    for span in rest:  # words first, then numbers, those with many values last
        is_number = all(value.isdigit() for value in columns[span[0]])
        wanted = "tpcz" if is_number and span == rest[-1] else "cp"
        free = [axis for axis in wanted if axis not in axes.values()]
        if not free or (is_number and span[1] - span[0] > 1):
            return {}
        axes[span] = free[0]
    return axes


def _hinted(columns: list[list[str]], span: Span) -> str | None:
    """Return the axis that a folder or the word before a number names."""
    if span[0] == 0 and columns[1:2] and set(columns[1]) == {"/"}:
        return "p"
    before = [column[0] for column in columns[: span[0]]]
    while before and not before[-1].isalnum():
        before.pop()
    word = before[-1].lower() if before else ""
    return next((axis for axis, words in HINTS.items() if word in words.split()), None)
