"""What a plan says, without a recording."""

import pytest

from pyama.errors import InspectedError
from pyama.processing.workflow import inspected_results
from pyama.processing.workflow.inspected_results import refuse_inspected
from pyama.processing.workflow.planned_steps import (
    NOT_DONE,
    REMOVED,
    PlannedStep,
    group_equal_plans,
    replaced_outputs,
)
from pyama.runs.plan import MAX_REASONS, pending_outputs, plan_entries, plan_lines
from pyama.runs.settings import apply_settings
from pyama.store import CELL_PREVIEWS_MARK, CELLS_MARK
from small_movie import make_config

DONE = PlannedStep("copying", {"a": ()})
NEW = PlannedStep("tracking", {"b": (NOT_DONE,)})
CHANGED = PlannedStep("cropping", {"c": ("min_iou changed",), "d": ()})


def line_of(step):
    (line,) = (x for x in plan_lines({0: (DONE, step)}) if step.step in x)
    return line.strip()


@pytest.mark.parametrize(
    ("step", "text"),
    [
        (DONE, "all steps: finished"),
        (NEW, "tracking: runs, not done yet"),
        (CHANGED, "cropping: runs, min_iou changed"),
        (PlannedStep("x", {}, "copy_only"), "x: skipped (copy_only)"),
        (PlannedStep("x", {"b": (NOT_DONE,), "c": ()}), "x: runs for b, not done yet"),
        (PlannedStep("x", {"b": (REMOVED,), "c": ()}), f"x: runs for b, {REMOVED}"),
        (PlannedStep("x", {"b": ("m",), "c": (NOT_DONE,)}), "x: runs, m; not done yet"),
        (PlannedStep("x", {"b": ("m", "n"), "c": ("m",)}), "x: runs, m; n"),
    ],
)
def test_a_step_says_what_it_does_and_why(step, text):
    if step is DONE:
        assert plan_lines({0: (DONE,)})[1].strip() == text
    else:
        assert line_of(step) == text


@pytest.mark.parametrize("n", [MAX_REASONS - 1, MAX_REASONS, MAX_REASONS + 1, MAX_REASONS + 3])
def test_of_many_reasons_some_are_shown_and_the_others_counted(n):
    reasons = tuple(f"r{i}" for i in range(n))
    shown = line_of(PlannedStep("x", {"b": reasons})).partition("runs, ")[2].split("; ")
    more = [f"and {n - MAX_REASONS} more"] if n > MAX_REASONS else []
    assert shown == [*reasons[:MAX_REASONS], *more]


def test_equal_fields_of_view_are_planned_together():
    plans = {0: (DONE,), 1: (NEW,), 2: (DONE,)}
    assert [fovs for fovs, _ in group_equal_plans(plans)] == [[0, 2], [1]]
    lines = plan_lines(plans)
    assert lines[0] == "FOV 0,2"
    assert lines[-1] == "1 of 3 fields of view has something to do."
    assert plan_lines({0: (DONE,)})[-1].startswith("Everything is finished")


def test_only_what_is_there_is_replaced():
    assert [step.is_replaced for step in (DONE, NEW, CHANGED)] == [False, False, True]
    assert not PlannedStep("x", {"b": (REMOVED,)}).is_replaced
    plans = {0: (DONE, CHANGED), 1: (NEW,), 2: (DONE, CHANGED)}
    assert replaced_outputs(plans) == ["FOV 0,2: cropping"]


def test_the_plan_as_values_says_what_every_step_does():
    skipped = PlannedStep("x", {}, "copy_only")
    (entry,) = plan_entries({3: (DONE, NEW, skipped)})
    assert entry["fovs"] == [3]
    assert [step["action"] for step in entry["steps"]] == ["keep", "run", "skip"]
    assert entry["steps"][1]["outputs"] == {"b": [NOT_DONE]}
    assert entry["steps"][2]["skipped"] == "copy_only"


def test_previews_that_cropping_makes_are_not_expected_twice():
    previews = PlannedStep(
        "caching", {CELL_PREVIEWS_MARK: (NOT_DONE,), "seg_labeled_ch_0/1": (NOT_DONE,)}
    )
    crops = PlannedStep("cropping", {CELLS_MARK: (NOT_DONE,)})
    config = make_config()
    both = pending_outputs({0: (crops, previews)}, config)[0]
    assert both == {"cropping": [CELLS_MARK], "caching": ["seg_labeled_ch_0/1"]}
    finished = PlannedStep("cropping", {CELLS_MARK: ()})
    alone = pending_outputs({0: (finished, previews)}, config)[0]
    assert alone["caching"] == [CELL_PREVIEWS_MARK, "seg_labeled_ch_0/1"]


@pytest.fixture
def inspected(monkeypatch):
    """Fields of view that count as inspected."""
    fovs = {1, 2}
    monkeypatch.setattr(inspected_results, "is_inspected", lambda _, fov: fov in fovs)
    return fovs


def test_inspected_results_are_named_and_previews_do_not_count(inspected, tmp_path):
    caching = PlannedStep("caching", {"p": ("its mark is damaged",)})
    refuse_inspected(tmp_path, {0: (CHANGED,), 1: (NEW,), 2: (caching,)})
    with pytest.raises(InspectedError) as refused:
        refuse_inspected(tmp_path, {0: (CHANGED,), 1: (CHANGED,), 2: (NEW,)})
    lines = str(refused.value).splitlines()
    assert lines[0].startswith("FOV 1 has been inspected")
    assert lines[1:4] == [
        "  FOV 1: 0 traces, 1 inspection with 0 entries",
        "It makes again",
        "  FOV 0-1: cropping",
    ]


def test_overwriting_names_all_that_is_removed(inspected, tmp_path):
    with pytest.raises(InspectedError) as refused:
        refuse_inspected(tmp_path, {1: (NEW,)}, [0, 1])
    lines = str(refused.value).splitlines()
    assert lines[0].startswith("FOV 1 has been inspected")
    assert lines[3] == "  everything in FOV 0-1 (--overwrite)"


def params_of(*settings, **params):
    return apply_settings({"params": params}, settings)["params"]


def test_settings_are_yaml_values_of_parameters():
    assert params_of("min_frames=3", border_margin=1) == {"border_margin": 1, "min_frames": 3}
    assert params_of(" params.min_frames =3") == {"min_frames": 3}
    assert params_of("preprocessors=[]") == {"preprocessors": []}
    assert params_of("min_frames=3", "min_frames=4") == {
        "min_frames": 4
    }  # the last one counts
