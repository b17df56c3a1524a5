"""Plain values from YAML that anyone may have written, and checksums for YAML of our own."""

import re
import zlib
from pathlib import Path
from typing import Any

import yaml

from pyama.errors import ConfigError, reason

DEEPEST = 50
"""More nested lists and sections are refused: the parser would run out of stack."""
MOST_REPEATED = 10_000
"""References (`*name`) that stand for more values are refused: lists of lists grow."""
NUMBER = re.compile(r"[-+0-9a-fA-FxXoObB_:.]{1000,}")
"""What is refused as a number: to spell it takes longer than the user waits."""


def load_yaml(path: Path) -> object:
    """Read plain values from a YAML file; tags that would build objects are refused.

    Raises:
        ConfigError: The file cannot be read or is not YAML.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {reason(error)}.") from error
    return parse_yaml(text, str(path))


def parse_yaml(text: str, source: str) -> object:
    """Read plain values from YAML; tags that would build objects are refused.

    Args:
        text: The YAML.
        source: Where it comes from, for messages.

    Raises:
        ConfigError: It is not YAML.
    """
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        _refuse_growth(text, loader)
        return yaml.load(text, Loader=loader)  # noqa: S506 (a safe loader, in C or not)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        told = reason(error).replace('in "<unicode string>",', "at")
        raise ConfigError(f"{source} is not valid YAML: {told}") from error
    except (LookupError, AttributeError, TypeError) as error:  # what PyYAML does not translate
        raise ConfigError(
            f"{source} is not valid YAML: a value is not what its tag says"
        ) from error


def _refuse_growth(text: str, loader: Any) -> None:
    """Look at a text event by event, and refuse what costs more than its length.

    Raises:
        ValueError: It is nested too deeply, repeats too much, or has too long a number.
    """
    sizes: dict[str, int] = {}
    open_ones: list[tuple[str, int]] = [("", 0)]
    repeated = 0
    for event in yaml.parse(text, Loader=loader):
        name, size = getattr(event, "anchor", None) or "", 0
        if isinstance(event, yaml.CollectionStartEvent):
            sizes.pop(name, None)
            open_ones.append((name, 1))
            if len(open_ones) > DEEPEST + 1:
                raise ValueError(f"more than {DEEPEST} lists and sections inside each other")
            continue
        if isinstance(event, yaml.AliasEvent):
            size = sizes.get(name, MOST_REPEATED)  # unknown is what it is a part of itself
            repeated += size
        elif isinstance(event, yaml.CollectionEndEvent):
            name, size = open_ones.pop()
        elif isinstance(event, yaml.ScalarEvent):
            size = 1
            if NUMBER.fullmatch(event.value):
                raise ValueError(f"a number of {len(event.value)} digits")
        sizes[name] = size
        outer, before = open_ones.pop()
        open_ones.append((outer, before + size))
        if repeated >= MOST_REPEATED:
            raise ValueError(f"references that stand for more than {MOST_REPEATED} values")


CHECKSUM = b"# checksum: "


def with_checksum(text: str) -> bytes:
    """Return a YAML text with a last line that tells when anything before it has changed."""
    body = text.encode()
    return body + CHECKSUM + f"{zlib.crc32(body):08x}\n".encode()


def has_its_checksum(data: bytes) -> bool:
    """Whether `data` is what `with_checksum` returned, bit for bit."""
    body, mark, _ = data.rpartition(CHECKSUM)
    return bool(mark) and data == body + CHECKSUM + f"{zlib.crc32(body):08x}\n".encode()
