"""Which channel is which: by index, by name, or guessed from the names."""

import re
from collections.abc import Sequence

from pyama.errors import ConfigError

_PHASE_WORDS = {
    *("phase", "phc", "ph", "pc", "bf", "bright", "dic", "tl", "trans", "tpmt"),
    *("dia", "td", "esid"),  # transmitted light in the programs of Nikon and Zeiss
}
_PHASE_PARTS = ("phase", "brightfield", "transmi", "tpmt", "durchlicht", "hellfeld")
_FLUORESCENCE = re.compile(
    r"[grycb]fp|cherry|tomato|scarlet|venus|citrine|ruby|kate|fitc|dapi|hoechst|tritc|texas"
    r"|txred|alexa|atto|cy[2357]|rhod|fluo|calcein|sytox|draq|neon|orange|halo|fam|jf\d{3}|af\d{3}"
    r"|(?<!\d)(405|445|458|470|488|514|532|543|555|561|568|594|633|640|647|660)(?!\d)"
)


def kind_of(name: str) -> str | None:
    """Return `pc` or `fl` for a name that says so, None for others."""
    lower = name.replace("pH", "").lower()  # "5-FAM/pH 9.0" is no phase contrast
    squashed = re.sub(r"[^a-z0-9]", "", lower)
    words = set(re.findall(r"[a-z]+", lower))
    phase = bool(words & _PHASE_WORDS) or any(part in squashed for part in _PHASE_PARTS)
    fluorescence = bool(_FLUORESCENCE.search(squashed))
    if phase == fluorescence:
        return None
    return "pc" if phase else "fl"


def proposed(names: Sequence[str]) -> tuple[int, list[int]] | None:
    """Choose channels from their names.

    Returns:
        The phase contrast channel and the fluorescence channels; None unless exactly one name
        says phase contrast and all others fluorescence.
    """
    kinds = [kind_of(name) for name in names]
    if kinds.count("pc") != 1 or None in kinds:
        return None
    return kinds.index("pc"), [i for i, kind in enumerate(kinds) if kind == "fl"]


def find_channel(text: str, names: Sequence[str], option: str) -> int:
    """Return the channel that a text means: its index, its name, or a part of its name.

    Raises:
        ConfigError: None or several channels are meant.
    """
    wanted = text.strip().casefold()
    folded = [name.casefold() for name in names]
    meant = {i for i, name in enumerate(folded) if name == wanted}
    if re.fullmatch(r"[0-9]{1,4}", wanted) and int(wanted) < len(names):
        meant.add(int(wanted))
    if not meant and wanted:
        meant = {i for i, name in enumerate(folded) if wanted in name}
    if len(meant) == 1:
        return meant.pop()
    problem = f"means {len(meant)} channels" if meant else "is not a channel"
    raise ConfigError(
        f"{option} {text} {problem}. Give the index or the name of one of:\n{listed(names)}"
    )


def listed(names: Sequence[str]) -> str:
    """Return one line per channel: index and name."""
    return "\n".join(f"  {i}  {name}" for i, name in enumerate(names))


def question(names: Sequence[str], command: str) -> str:
    """Return what to tell a user whose channel names leave doubt.

    Args:
        names: Of all channels.
        command: What was typed, to be completed.
    """
    kinds = [kind_of(name) for name in names]
    pc = kinds.index("pc") if "pc" in kinds else 0
    options = [f"--pc {pc}", *(f"--fl {i}" for i in range(len(names)) if i != pc)]
    return (
        "The names of the channels do not say which one shows the cells in phase contrast and "
        f"which ones are fluorescence:\n{listed(names)}\nSay it, for instance\n"
        f"  {command} {' '.join(options)}"
    )
