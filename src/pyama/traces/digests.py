"""Digests that identify the traces that a log of corrections or another table belongs to."""

import hashlib
import json
from pathlib import Path

from pyama.symlinks import refuse_link_out


def traces_digest(path: Path) -> str:
    """Return the SHA-256 of a traces file, which identifies it in logs and tables."""
    refuse_link_out(path)
    return hashlib.sha256(path.read_bytes()).hexdigest()


def digest_if_there(path: Path) -> str:
    """Return the SHA-256 of a file; empty if it does not exist."""
    try:
        return traces_digest(path)
    except FileNotFoundError:
        return ""


def inspected_digest(log: Path) -> str | None:
    """Return the digest of the traces that a log of corrections belongs to; None without."""
    refuse_link_out(log)
    try:
        with log.open("rb") as lines:
            entry = json.loads(lines.readline(1000))
    except (OSError, ValueError):
        return None
    digest = entry.get("traces") if isinstance(entry, dict) else None
    return digest if isinstance(digest, str) else None
