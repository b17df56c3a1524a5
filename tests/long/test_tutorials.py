"""Every page of the site that is executed runs from its first line to its last."""

import subprocess
import sys
from pathlib import Path

import pytest

from site_pages import EXECUTED
from tutorial_cells import code_of

ROOT = Path(__file__).parents[2]
PAGES = sorted(page for folder in EXECUTED for page in (ROOT / "docs" / folder).glob("*.md"))
pytestmark = pytest.mark.long


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_runs(page, tmp_path):
    script = tmp_path / "tutorial.py"
    script.write_text(code_of(page.read_text("utf-8")), encoding="utf-8")
    paths = f"import sys; sys.path[:0] = {[str(ROOT / 'docs/site')]!r}\n"
    script.write_text(paths + script.read_text("utf-8"), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, script], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
