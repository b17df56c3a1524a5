"""YAML files: plain values from untrusted files, and checksums for files written by pyama."""

import re
import zlib
from collections import Counter
from pathlib import Path
from typing import Any

import yaml

from pyama.errors import ConfigError, reason
from pyama.symlinks import refuse_link_out

MAX_DEPTH = 50
"""Deeper nesting of lists and sections is refused: the parser would overflow its stack."""
MAX_REPEATED = 10_000
"""More values repeated by references (`*name`) are refused: nested lists grow quickly."""
INTEGER, TEXT = "tag:yaml.org,2002:int", "tag:yaml.org,2002:str"
DECIMAL = re.compile(r"[-+]?(0|[1-9][0-9]*)")
NUMBER = re.compile(r"[-+0-9a-fA-FxXoObB_:.]{1000,}")
"""Numbers that are refused, since converting them takes too long."""


def load_yaml(path: Path) -> object:
    """Read plain values from a YAML file; tags that would build objects are refused.

    Raises:
        ConfigError: The file cannot be read or is not YAML.
    """
    refuse_link_out(path)
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {reason(error)}.") from error
    return parse_yaml(text, str(path))


def parse_yaml(text: str, source: str) -> object:
    """Read plain values from YAML; tags that would build objects are refused.

    Args:
        text: The YAML.
        source: Name of the file, for messages.

    Raises:
        ConfigError: It is not YAML.
    """
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        _refuse_growth(text, loader)
        _refuse_misread(yaml.compose(text, Loader=loader), set())
        return yaml.load(text, Loader=loader)  # noqa: S506 (a safe loader, in C or not)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        problem = reason(error).replace('in "<unicode string>",', "at")
        raise ConfigError(f"{source} is not valid YAML: {problem}") from error
    except (LookupError, AttributeError, TypeError) as error:  # PyYAML lets them through
        raise ConfigError(
            f"{source} is not valid YAML: a value does not match its tag"
        ) from error


def _refuse_growth(text: str, loader: Any) -> None:
    """Parse a text event by event, and refuse what takes far more memory than its length.

    Raises:
        ValueError: It is nested too deeply, has too many references or too long a number.
    """
    sizes: dict[str, int] = {}
    unclosed: list[tuple[str, int]] = [("", 0)]
    repeated = 0
    for event in yaml.parse(text, Loader=loader):
        name, size = getattr(event, "anchor", None) or "", 0
        if isinstance(event, yaml.CollectionStartEvent):
            sizes.pop(name, None)
            unclosed.append((name, 1))
            if len(unclosed) > MAX_DEPTH + 1:
                raise ValueError(f"more than {MAX_DEPTH} lists and sections inside each other")
            continue
        if isinstance(event, yaml.AliasEvent):
            size = sizes.get(name, MAX_REPEATED)  # unknown if it contains itself
            repeated += size
        elif isinstance(event, yaml.CollectionEndEvent):
            name, size = unclosed.pop()
        elif isinstance(event, yaml.ScalarEvent):
            size = 1
            if NUMBER.fullmatch(event.value):
                raise ValueError(f"a number of {len(event.value)} digits")
        sizes[name] = size
        outer, before = unclosed.pop()
        unclosed.append((outer, before + size))
        if repeated >= MAX_REPEATED:
            raise ValueError(f"references that stand for more than {MAX_REPEATED} values")


def _refuse_misread(node: Any, seen: set[int]) -> None:
    """Refuse what YAML reads as something else than the person who wrote it.

    Raises:
        ValueError: A key occurs twice, so that the first one has no effect, or a plain text
            such as 1:20 or 010 is a whole number in another base.
    """
    if node is None or id(node) in seen:
        return
    seen.add(id(node))
    line = node.start_mark.line + 1
    children = node.value if isinstance(node, yaml.SequenceNode) else []
    if isinstance(node, yaml.MappingNode):
        keys = Counter(
            (key.tag, key.value) for key, _ in node.value if isinstance(key, yaml.ScalarNode)
        )
        for (tag, key), n in keys.items():
            if n > 1 and tag in (INTEGER, TEXT):
                raise ValueError(
                    f"{key!r} occurs {n} times in the entry that begins in line {line}"
                )
        children = [child for pair in node.value for child in pair]
    elif node.tag == INTEGER and not DECIMAL.fullmatch(node.value):
        raise ValueError(
            f"{node.value} in line {line} would be read as a number in another notation. Put "
            "it in quotation marks, or write a decimal number"
        )
    for child in children:
        _refuse_misread(child, seen)


CHECKSUM = b"# checksum: "


def with_checksum(text: str) -> bytes:
    """Return a YAML text with its checksum in the last line."""
    body = text.encode()
    return body + CHECKSUM + f"{zlib.crc32(body):08x}\n".encode()


def has_its_checksum(data: bytes) -> bool:
    """Whether `data` is an unchanged result of `with_checksum`."""
    body, separator, _ = data.rpartition(CHECKSUM)
    return bool(separator) and data == body + CHECKSUM + f"{zlib.crc32(body):08x}\n".encode()
