"""Which channel is which: by index, by name, or proposed from the names."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pyama.config import METADATA_KEY
from pyama.errors import ConfigError

_PHASE_WORDS = {
    *("phase", "phc", "ph", "phl", "pc", "bf", "bright", "dic", "trans", "tpmt", "hoffman"),
    *("tl", "dia", "td", "esid"),  # transmitted light in the programs of Nikon and Zeiss
}
_PHASE_STEMS = re.compile(
    r"(?<![a-z])(phase|bright[\s_-]?field|transmi[ts]|t[\s_-]?pmt|durchlicht|hellfeld)"
)
_FLUORESCENCE_STEMS = re.compile(
    r"[grycbi]fp|cherry|tomato|scarlet|venus|citrine|mruby|mkate|neon[\s_-]?green|morange"
    r"|(?<![a-z])(fitc|dapi|hoechst|tritc|texas|txred|alexa|atto|rhod|phrodo|phluorin|fluo"
    r"|calcein|calcium|gcamp|fura|sytox|syto|sybr|draq|bodipy|phalloidin|mitotracker"
    r"|lysotracker|nile[\s_-]?red|propidium|halo[\s_-]?tag)"
    r"|(?<![a-z])(cy[\s_-]?[2357]|(jf|af|sir)[\s_-]?\d{3})(?!\d)"
    r"|(?<![a-z])(sir|fam|halo|neon|ruby|kate|orange)(?![a-z])"
    r"|(?<!\d)(405|445|458|470|488|514|532|543|555|561|568|594|633|640|647|660)(?!\d)"
)


def channel_kind(name: str) -> str | None:
    """Return `pc` or `fl` if the name of a channel says which it is, else None."""
    lower = re.sub(r"pH(?![a-z])", "", name).lower()  # "5-FAM/pH 9.0" is not phase contrast
    words = set(re.findall(r"[a-z]+", lower))
    is_phase = bool(words & _PHASE_WORDS or _PHASE_STEMS.search(lower))
    is_fluorescence = bool(_FLUORESCENCE_STEMS.search(lower))
    if is_phase == is_fluorescence:
        return None
    return "pc" if is_phase else "fl"


def propose_channels(names: Sequence[str]) -> tuple[int, list[int]] | None:
    """Choose channels from their names.

    Returns:
        The phase contrast channel and the fluorescence channels; None unless exactly one name
        says phase contrast and all others fluorescence.
    """
    kinds = [channel_kind(name) for name in names]
    if kinds.count("pc") != 1 or None in kinds:
        return None
    return kinds.index("pc"), [i for i, kind in enumerate(kinds) if kind == "fl"]


def question(names: Sequence[str]) -> str:
    """Return what to ask a user if `propose_channels` has no answer."""
    if len(names) == 1:
        return (
            "The recording has one channel. If cells are to be found in it, choose it as "
            f"phase contrast:\n{channel_list(names)}"
        )
    return (
        "The names of the channels do not tell which one is phase contrast and which ones are "
        f"fluorescence:\n{channel_list(names)}"
    )


def example_options(names: Sequence[str]) -> str:
    """Return the options that answer `question`, for a user to change."""
    kinds = [channel_kind(name) for name in names]
    pc = kinds.index("pc") if "pc" in kinds else 0
    return " ".join([f"--pc {pc}", *(f"--fl {i}" for i in range(len(names)) if i != pc)])


def find_channel(text: str, names: Sequence[str], option: str) -> int:
    """Return the channel that a text means: its index, its name, or a part of its name.

    Raises:
        ConfigError: The text means no channel, or several.
    """
    wanted = text.strip().casefold()
    folded = [name.casefold() for name in names]
    matches = {i for i, name in enumerate(folded) if name == wanted}
    if re.fullmatch(r"[0-9]{1,4}", wanted) and int(wanted) < len(names):
        matches.add(int(wanted))
    if not matches and wanted:
        matches = {i for i, name in enumerate(folded) if wanted in name}
    if len(matches) == 1:
        return matches.pop()
    problem = f"means {len(matches)} channels" if matches else "is not a channel"
    raise ConfigError(
        f"{option} {text} {problem}. Give the index or the name of one of:\n"
        f"{channel_list(names)}"
    )


def compare_names(
    used: Iterable[int], before: Sequence[str], names: Sequence[str]
) -> list[str]:
    """Note channels that have another name than when a configuration was written.

    Args:
        used: Channels of the configuration.
        before: Names of all channels of the recording that it was written for.
        names: Those of this recording.

    Raises:
        ConfigError: A channel of that name has another index here.
    """
    renamed = [i for i in used if i < min(len(before), len(names)) and before[i] != names[i]]
    moved = [i for i in renamed if before[i] in names]
    if moved:
        places = ", ".join(f"{before[i]} was channel {i}" for i in moved)
        raise ConfigError(
            f"The channels are in another order than in the recording that the configuration "
            f"was written for: {places}. Name them with --pc and --fl; here they are\n"
            f"{channel_list(names)}"
        )
    return [
        f"Channel {i} is {names[i]}; the configuration was written for a recording in which "
        f"it was {before[i]}."
        for i in renamed
    ]


def channel_list(names: Sequence[str]) -> str:
    """Return one line per channel: index and name."""
    return "\n".join(f"  {i}  {name}" for i, name in enumerate(names))


def names_before(entries: Mapping[str, Any]) -> Sequence[str]:
    """Return the names of the channels of the recording that a configuration is of."""
    described = entries.get(METADATA_KEY)
    names = described.get("channel_names") if isinstance(described, dict) else None
    return [str(name) for name in names] if isinstance(names, list) else []


def channel_entries(pc: int | None, fl: Sequence[int]) -> dict[str, Any]:
    """Return the section `channels` of a configuration."""
    return {
        "pc": None if pc is None else {"channel": pc},
        "fl": [{"channel": channel} for channel in fl],
    }


def with_features(
    channels: dict[str, Any], phase: str | None, fluorescence: str | None
) -> dict[str, Any]:
    """Return the section with other features, given as names separated by commas.

    Raises:
        ConfigError: There is no channel for them.
    """
    if phase is not None:
        if channels["pc"] is None:
            raise ConfigError("--pc-features needs a phase contrast channel: add --pc.")
        channels["pc"] = {**channels["pc"], "features": _listed(phase)}
    if fluorescence is not None:
        if not channels["fl"]:
            raise ConfigError("--fl-features needs a fluorescence channel: add --fl.")
        features = _listed(fluorescence)
        channels["fl"] = [{**entry, "features": features} for entry in channels["fl"]]
    return channels


def _listed(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]
