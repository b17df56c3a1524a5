"""Digests that identify the traces that a log of corrections or another table belongs to."""

import hashlib
import json
from pathlib import Path


def traces_digest(path: Path) -> str:
    """Return the SHA-256 of a traces file, which identifies it in logs and tables."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def inspected_digest(log: Path) -> str | None:
    """Return the digest of the traces that a log of corrections belongs to; None without."""
    try:
        with log.open("rb") as lines:
            entry = json.loads(lines.readline(1000))
    except (OSError, ValueError):
        return None
    digest = entry.get("traces") if isinstance(entry, dict) else None
    return digest if isinstance(digest, str) else None
