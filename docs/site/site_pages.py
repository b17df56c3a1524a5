"""The source of the site: pages of `docs/` in rooms, and pages that are generated."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from command_pages import command_pages
from file_pages import file_page
from http_pages import http_page
from model_pages import model_page
from parameter_pages import parameter_page
from python_pages import python_page
from tutorial_cells import as_notebook

HOW_TO = ("web", "cluster", "plugins", "exports", "imports")
REFERENCE = (
    "messages",
    "json",
    "promises",
    "formats",
    "performance",
    "model_card",
    "deviations",
)
"""Pages beside the folders; all other pages there are explanations."""
PROJECT = {"README": "manual", "CONTRIBUTING": "contributing", "CHANGELOG": "changelog"}
"""Pages of the root of the project, and their names in the site."""
TITLES = {
    "manual": "The manual on one page <manual>",
    "model_card": "The segmentation network <model_card>",
}
TUTORIALS = (
    *("page", "terminal", "notebook", "confluent_cells", "drift_and_light", "correcting"),
    *("replicates", "many_fovs", "your_own_methods"),
)
"""In this order; others follow."""
EXECUTED = {"tutorials": True, "explanation": False}
"""Folders whose pages are run, and whether their Python code is shown."""
LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)\s#]*)(#[^)\s]*)?\)")


def stage(root: Path, target: Path) -> None:
    """Write the source of the site.

    Args:
        root: Folder of the project.
        target: Folder to write; it does not exist.
    """
    docs = root / "docs"
    shutil.copytree(docs, target, ignore=shutil.ignore_patterns("site", "*.py", "__pycache__"))
    for name, page in PROJECT.items():
        shutil.copyfile(root / f"{name}.md", target / f"{page}.md")
    pages = sorted(docs.rglob("*.md"))
    homes = {target / page.relative_to(docs): page for page in pages}
    homes |= {target / f"{page}.md": root / f"{name}.md" for name, page in PROJECT.items()}
    for page, original in homes.items():
        text = original.read_text(encoding="utf-8")
        linked = _relinked(text, original, page, root, target)
        if page.parent.name in EXECUTED:
            linked = as_notebook(linked, show_code=EXECUTED[page.parent.name])
        page.write_text(linked, encoding="utf-8")
    for name, text in _generated():
        page = target / "reference" / f"{name}.md"
        page.parent.mkdir(exist_ok=True)
        page.write_text(text, encoding="utf-8")
    index = target / "index.md"
    index.write_text(index.read_text("utf-8") + _rooms(target), encoding="utf-8")


def _generated() -> Iterator[tuple[str, str]]:
    yield from command_pages()
    yield "parameters", parameter_page()
    yield "files", file_page()
    yield "models", model_page()
    yield "python", python_page()
    yield "http", http_page()


def _relinked(text: str, original: Path, page: Path, root: Path, target: Path) -> str:
    """Return a page whose links lead to pages of the site, and to copies of other files."""

    def replaced(match: re.Match[str]) -> str:
        path, anchor = match[1], match[2] or ""
        if not path:
            return match[0]
        found = (original.parent / path).resolve()
        if not found.exists():
            return match[0]  # generated, or an error that Sphinx reports
        inside = found.relative_to(root)
        if inside.stem in PROJECT and len(inside.parts) == 1 and inside.suffix == ".md":
            return f"]({_up(page, target)}{PROJECT[inside.stem]}.md{anchor})"
        if inside.parts[0] == "docs":
            place = inside.relative_to("docs").as_posix()
            return f"]({_up(page, target)}{place}{anchor})"
        copy = target / "files" / inside
        copy.parent.mkdir(parents=True, exist_ok=True)
        if found.is_file():
            shutil.copyfile(found, copy)
        return f"]({_up(page, target)}files/{inside.as_posix()})"

    return LINK.sub(replaced, text)


def _up(page: Path, target: Path) -> str:
    return "../" * (len(page.relative_to(target).parts) - 1)


def _rooms(target: Path) -> str:
    """Return the tables of contents; a page that is added needs no line here."""
    flat = sorted(page.stem for page in target.glob("*.md"))
    known = {"index", *PROJECT.values(), *HOW_TO, *REFERENCE}
    rooms = {
        "Start": ["start/install", "start/*", "manual"],
        "Tutorials": [*(f"tutorials/{name}" for name in TUTORIALS), "tutorials/*"],
        "How-to": ["howto/*", *HOW_TO],
        "Explanation": ["explanation/*", *(name for name in flat if name not in known)],
        "Reference": ["reference/commands", "reference/parameters", "reference/*", *REFERENCE],
        "Project": ["contributing", "changelog", "project/*"],
    }
    return "\n".join(_toctree(title, entries, target) for title, entries in rooms.items())


def _toctree(title: str, entries: list[str], target: Path) -> str:
    found = [path for entry in entries for path in sorted(target.glob(f"{entry}.md"))]
    names = [path.relative_to(target).with_suffix("").as_posix() for path in found]
    names = [TITLES.get(name, name) for name in dict.fromkeys(names)]
    lines = ["", "```{toctree}", ":hidden:", f":caption: {title}", "", *names]
    return "\n".join([*lines, "```", ""])
