"""The pages of the site that are generated from the code have all of it, and links hold."""

import re
from pathlib import Path

import numpy as np
import pytest
import typer

import pyama
from command_pages import command_pages
from file_pages import file_page
from http_pages import http_page
from model_pages import model_page
from parameter_pages import parameter_page, steps_by_parameter
from pyama import layout
from pyama.algorithms.features import FLUORESCENCE_FEATURES, PHASE_FEATURES
from pyama.algorithms.kernels.bits import pack
from pyama.algorithms.params import LogStdParams
from pyama.algorithms.segmenters import clean_up
from pyama.analysis.fitting.models import MODELS
from pyama.cli.app import app
from pyama.config import ProcessingParams
from pyama.exports.codebook import COLUMNS
from pyama.processing.steps import STEPS_BY_NAME
from python_pages import python_page
from site_pages import EXECUTED, stage
from step_pictures import STAGES
from tutorial_cells import as_notebook, code_of

ROOT = Path(__file__).parents[2]
LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)\s#]+)")


def commands(command, words=("pyama",)):
    inside = getattr(command, "commands", None)
    if inside is None:
        return [(" ".join(words), command)]
    return [found for name in inside for found in commands(inside[name], (*words, name))]


def test_every_command_has_a_section_with_all_options():
    ((_, page),) = command_pages()
    sections = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL))
    every = commands(typer.main.get_command(app))
    assert [name for name, _ in every] == [*sections]
    for name, command in every:
        options = {option for entry in command.params for option in entry.opts}
        named = {option for option in options if option.startswith("--")}
        assert {option for option in named if option not in sections[name]} == set()


def test_every_parameter_has_a_row_and_the_steps_that_read_it():
    page = parameter_page()
    steps = steps_by_parameter()
    for name in {*ProcessingParams.model_fields} - {"plugins"}:
        assert f"| `{name}` |" in page
    assert steps["min_iou"] == ("tracking",)
    assert set(steps["pixel_size_um"]) <= {*STEPS_BY_NAME}
    assert steps["min_frames"] == steps["border_margin"] == ("extraction",)
    unread = {*ProcessingParams.model_fields} - {*steps}
    assert "split_h" not in unread
    assert "| `kalman.max_step` |" in page


def test_every_feature_model_and_public_name_is_listed():
    files, models, public = file_page(), model_page(), python_page()
    assert [
        n for n in {**PHASE_FEATURES, **FLUORESCENCE_FEATURES} if f"| `{n}` |" not in files
    ] == []
    assert [name for name in MODELS if f"## {name}\n" not in models] == []
    assert [name for name in pyama.__all__ if f"pyama.{name}" not in public] == ["__version__"]


def test_every_column_and_object_is_listed():
    files, http = file_page(), http_page()
    assert [name for name in COLUMNS if f"| `{name}` |" not in files] == []
    assert [name for name in layout.BASE_COLUMNS if name not in COLUMNS] == []
    assert "| `pc_ch_0` |" in files
    assert "| `fl_ch_1` |" in files
    linked = set(re.findall(r"\]\(#(\w+)\)", http)) - {"objects"}
    assert linked == linked & {name.lower() for name in re.findall(r"^### (\w+)$", http, re.M)}
    assert "Body: [FitRequest](#fitrequest)." in http


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site") / "source"
    stage(ROOT, folder)
    return folder


def test_links_between_pages_lead_somewhere(source):
    pages = list(source.rglob("*.md"))
    absent = {
        (page.name, link)
        for page in pages
        for link in LINK.findall(page.read_text("utf-8"))
        if not (page.parent / link).exists()
    }
    assert absent == set()


def test_every_page_is_in_a_room(source):
    listed = (source / "index.md").read_text("utf-8").splitlines()
    pages = {
        page.relative_to(source).with_suffix("").as_posix() for page in source.rglob("*.md")
    }
    outside = {name for name in pages if name.startswith("files/")}
    assert pages - outside - {"index"} == {
        line for line in map(_page, listed) if line in pages
    }


def _page(line):
    return line.rpartition("<")[2].removesuffix(">")


def test_blocks_of_a_tutorial_become_cells():
    blocks = ("```yaml title=a.yaml\nx: 1\n```", "```console\nls a\n```", "```python\n1\n```")
    text = "\n\n".join(("# Title", *blocks)) + "\n"
    assert code_of(text).splitlines()[2:] == [
        "write('a.yaml', 'x: 1\\n')",
        "run('ls a')",
        "1",
        "",
    ]
    page = as_notebook(text)
    assert page.count("{code-cell}") == 4
    assert "```console\nls a\n```" in page


def test_an_explanation_shows_the_output_of_its_blocks_only():
    page = as_notebook("# Title\n\n```python\ndraw()\n```\n", show_code=False)
    assert "```{code-cell} python3\n:tags: [remove-input]\n\ndraw()\n```" in page


def test_every_stage_of_the_clean_up_has_a_title():
    assert set(STAGES) <= set(clean_up.STAGES)
    stages = clean_up.clean_up_stages(pack(np.zeros((8, 8), bool)), LogStdParams())
    assert [name for name, _ in stages] == [*STAGES]


def test_no_page_that_is_run_waits_for_a_person():
    pages = [page for folder in EXECUTED for page in (ROOT / "docs" / folder).glob("*.md")]
    lines = "\n".join(code_of(page.read_text("utf-8")) for page in pages).splitlines()
    waiting = [line for line in lines if "pyama view" in line or "pyama demo" in line]
    assert [line for line in waiting if "--no-browser" not in line] == []
