"""New plugins: copies of the templates, a working plugin of every kind with a test."""

import re
from pathlib import Path

from pyama.errors import ConfigError

TEMPLATES = Path(__file__).with_name("templates")
KINDS = ("feature", "segmenter", "tracker", "preprocessor", "model", "reader")


def write_plugin(kind: str, name: str, folder: Path) -> tuple[Path, Path]:
    """Copy the template of a kind and its test, and rename the plugin in both.

    Args:
        kind: One of `KINDS`.
        name: Name under which the plugin is registered: letters, digits and underscores.
        folder: Where the files are written; created if it does not exist.

    Returns:
        The plugin file and the test file.

    Raises:
        ConfigError: The kind is unknown, or the name is not allowed.
        FileExistsError: One of the files exists already.
    """
    if kind not in KINDS:
        raise ConfigError(f"Unknown kind of plugin {kind!r}. Available: {', '.join(KINDS)}.")
    if not name.isidentifier() or name.startswith(("_", "test_", "conftest")):
        raise ConfigError(
            f"{name!r} cannot be the name of a plugin. Use letters, digits and underscores, "
            "begin with a letter, and do not begin with test_ or conftest."
        )
    template = f"my_{kind}"
    test = "test_my_model.py" if kind == "model" else "test_my_plugin.py"
    paths = folder / f"{name}.py", folder / f"test_{name}.py"
    for path in paths:
        if path.exists():
            raise FileExistsError(17, "exists", str(path))
    folder.mkdir(parents=True, exist_ok=True)
    for path, source in zip(paths, (f"{template}.py", test), strict=True):
        text = (TEMPLATES / source).read_text(encoding="utf-8")
        text = text.replace(_class_name(template), _class_name(name))
        path.write_text(re.sub(f"{template}|my_plugin", name, text), encoding="utf-8")
    return paths


def _class_name(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))
