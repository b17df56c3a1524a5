"""The page of the Python interface: everything that `import pyama` offers."""

import inspect
from collections.abc import Iterator

import pyama

HEAD = """# Python

Everything that `import pyama` offers. Names are imported on first use. The
[manual](../manual.md#from-python) has a first example, and the
[tutorial in a notebook](../tutorials/notebook.md) a longer one.

"""
REGISTRIES = "Registries"
KINDS = {"Functions": inspect.isfunction, "Classes": inspect.isclass}


def python_page() -> str:
    """Return the page."""
    parts = [HEAD]
    left = [name for name in pyama.__all__ if not name.startswith("__")]
    for title, is_kind in KINDS.items():
        names = [name for name in left if is_kind(getattr(pyama, name))]
        left = [name for name in left if name not in names]
        parts += [f"## {title}", "", *_directives(names)]
    parts += [f"## {REGISTRIES}", "", *_registries(left)]
    return "\n".join(parts) + "\n"


def _directives(names: list[str]) -> Iterator[str]:
    for name in names:
        entry = getattr(pyama, name)
        kind = "function" if inspect.isfunction(entry) else "class"
        if kind == "class" and issubclass(entry, Exception):
            kind = "exception"
        members = [] if kind == "function" else _members(entry)
        options = [f"   :members: {', '.join(members)}"] if members else []
        yield from ("```{eval-rst}", f".. auto{kind}:: pyama.{name}", *options, "```", "")


def _members(entry: type) -> list[str]:
    own = [name for name in vars(entry) if not name.startswith(("_", "model_"))]
    return [name for name in own if inspect.getdoc(getattr(entry, name, None))]


def _registries(names: list[str]) -> Iterator[str]:
    yield "Dictionaries of functions by name; your own are added to them, see"
    yield "[Writing plugins](../plugins.md)."
    yield ""
    yield "| name | entries |"
    yield "|---|---|"
    for name in names:
        yield f"| `pyama.{name}` | {', '.join(f'`{key}`' for key in getattr(pyama, name))} |"
