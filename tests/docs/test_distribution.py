"""The name under which pyama is installed, and its version, wherever they are written."""

import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pyama

ROOT = Path(__file__).parents[2]
WRITTEN = {".py", ".md", ".toml", ".cff", ".js", ".html", ".yml", ".yaml"}
PLACES = ("src", "docs", "tests", "benchmarks", "examples", ".github")


def written():
    """Every text of the project."""
    files = [path for place in PLACES for path in (ROOT / place).rglob("*")]
    return [path for path in [*files, *ROOT.iterdir()] if path.suffix in WRITTEN]


def test_no_text_names_the_package_of_another_project():
    stranger = re.compile(r"(?<![\w.-])pyama\\?\[[a-z]")
    found = [path for path in written() if stranger.search(path.read_text(encoding="utf-8"))]
    assert found == []


def test_there_is_one_version():
    assert pyama.__version__ == version("pyama-traces")
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {pyama.__version__}\n" in citation
    asked = re.compile(r"""version\(["']pyama""")
    places = [p for p in (ROOT / "src").rglob("*.py") if asked.search(p.read_text("utf-8"))]
    assert places == [ROOT / "src/pyama/version.py"]


def test_importing_pyama_does_not_look_for_its_version():
    code = "import pyama, sys; sys.exit('importlib.metadata' in sys.modules)"
    subprocess.run(
        [
            sys.executable,
            "-S",
            "-c",
            f"import sys; sys.path.insert(0, {str(ROOT / 'src')!r}); {code}",
        ],
        check=True,
    )
