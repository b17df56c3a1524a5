"""`pyama pack` and `pyama unpack` that are killed at any moment lose nothing."""

import random
import shutil

import pytest

import child_runs
from example_counts import CHAOS, drawn
from pyama.processing.verify import verify
from pyama.processing.workflow import process
from pyama.store import FovStore, convert_cells
from small_movie import MOVIE, contents, make_config, recording_of

dice = random.Random(19)  # noqa: S311
FORMS = "folder", "zip"


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """Results with their cells in both forms."""
    made = tmp_path_factory.mktemp("finished")
    recording = recording_of(MOVIE[:1, :2, :, :90, :90])
    assert process(recording, make_config(min_frames=1), made / "folder").succeeded
    shutil.copytree(made / "folder", made / "zip")
    convert_cells(FovStore(made / "zip", 0).path, "zip")
    return {form: made / form for form in FORMS}


@pytest.mark.timeout(1200 if CHAOS else 300)
@pytest.mark.parametrize(("old", "new"), [FORMS, FORMS[::-1]], ids=["pack", "unpack"])
def test_a_conversion_that_ends_before_any_change_goes_on(finished, tmp_path, old, new):
    counted = shutil.copytree(finished[old], tmp_path / "counted")
    total = child_runs.answer(child_runs.changes_of_a_conversion, counted, new)
    assert total > 20
    for last in drawn(dice, range(total), 3):
        folder = shutil.copytree(finished[old], tmp_path / str(last))
        arguments = FovStore(folder, 0).path, new, last, dice.random() < 0.5
        child = child_runs.start(child_runs.convert_and_end, *arguments)
        child.join()
        assert child.exitcode in {0, 9}
        at = f"ended before change {last}"
        assert verify(folder).is_intact, at
        cells = FovStore(folder, 0).cells()
        assert cells.crop("fl_ch_1", 1).any(), at
        form = dice.choice(FORMS)
        convert_cells(FovStore(folder, 0).path, form)
        FovStore(folder, 0).clean_up()
        assert contents(folder) == contents(finished[form]), at
        assert not verify(folder).leftovers
        shutil.rmtree(folder)
