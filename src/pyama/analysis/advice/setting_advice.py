"""Sentences that advise settings, with the settings as values."""

from collections.abc import Mapping
from typing import Any

Settings = Mapping[str, Any]
"""Values of parameters by name, to be set together."""


class Advice(str):
    """A sentence for users, with the settings that it names.

    Args:
        text: The sentence.
        settings: What the sentence advises; several are alternatives.

    Attributes:
        settings: The same, without empty ones.
    """

    __slots__ = ("settings",)
    settings: tuple[Settings, ...]

    def __new__(cls, text: str, *settings: Settings) -> "Advice":
        """Join the sentence and its settings."""
        made = super().__new__(cls, text)
        made.settings = tuple(entry for entry in settings if entry)
        return made


def of_fovs(fovs: str, text: str) -> Advice:
    """Return a sentence for some fields of view, with the settings that it has."""
    return Advice(f"FOV {fovs}: {text}", *getattr(text, "settings", ()))


def options(settings: Settings) -> str:
    """Return settings as options of the command line."""
    return " ".join(f"--set {name}={value}" for name, value in settings.items())
