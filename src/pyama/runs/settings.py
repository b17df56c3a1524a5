"""Parameters as they are typed: `--set NAME=VALUE`."""

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

import yaml

from pyama.config import ProcessingParams, parse_config
from pyama.errors import ConfigError


def apply_settings(entries: dict[str, Any], settings: Sequence[str]) -> dict[str, Any]:
    """Return the entries of a configuration with `NAME=VALUE` applied to its parameters.

    Raises:
        ConfigError: Names everything that is wrong: form, name and value of each.
    """
    params = dict(entries.get("params") or {})
    problems = []
    for setting in settings:
        name, equals, text = setting.partition("=")
        name = name.strip().removeprefix("params.")
        owner, dot, key = name.removeprefix("plugins.").partition(".")
        if not equals:
            problems.append(f"  {setting}: write NAME=VALUE, such as min_frames=10")
        elif not (dot and owner and key) and name not in ProcessingParams.model_fields:
            problems.append(f"  {name}: no such parameter{_close_to(name)}")
        else:
            try:
                value = _typed(name, text)
                params |= _under(params, owner, key, value) if dot else {name: value}
            except yaml.YAMLError:
                problems.append(f"  {setting}: {text!r} is not a YAML value")
    changed = {**entries, "params": params}
    try:
        parse_config("--set", changed)
    except ConfigError as error:
        problems += str(error).splitlines()[1:]
    if problems:
        raise ConfigError("--set is wrong:\n" + "\n".join(problems))
    return changed


def _typed(name: str, text: str) -> object:
    """Return a value that was typed.

    A pattern may begin with a brace, which is no mapping of YAML.

    Raises:
        YAMLError: It is not YAML.
    """
    if name != "axes" or not text.lstrip().startswith("{"):
        return yaml.safe_load(text)
    return text.strip()


def _under(params: dict[str, Any], owner: str, key: str, value: object) -> dict[str, Any]:
    """Return the section `plugins` with one parameter of a method or feature set."""
    plugins = dict(params.get("plugins") or {})
    return {"plugins": {**plugins, owner: {**(plugins.get(owner) or {}), key: value}}}


def _close_to(name: str) -> str:
    close = get_close_matches(name, ProcessingParams.model_fields, n=3, cutoff=0.5)
    meant = f"; did you mean {' or '.join(close)}?" if close else ""
    return f"{meant} (`pyama config init` lists all)"
