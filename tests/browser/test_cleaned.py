"""The viewer on results of which only the traces and the tracks were kept."""

from pyama.analysis.removed_outputs import KINDS
from pyama.processing.workflow.run import process
from pyama.runs.cleaning import clean
from pyama.testing.nd2_writer import write_nd2
from small_movie import MOVIE, make_config
from viewer_page import expect, serving, title_is, visiting


def test_traces_are_shown_without_images_and_the_page_says_why(browser, tmp_path):
    write_nd2(tmp_path / "movie.nd2", MOVIE[:1, :, None], channel_names=["Phase", "GFP"])
    assert process(tmp_path / "movie.nd2", make_config(), tmp_path / "results").succeeded
    clean(tmp_path / "results", list(KINDS))
    with (
        serving(tmp_path) as address,
        visiting(browser.new_context(), address) as page,
    ):
        expect(page.locator("#remarks")).to_contain_text("Removed by `pyama clean`: previews")
        page.locator("#cell").select_option(index=1)
        title_is(page, "Cell 1: frames 0")
        page.locator("#zoom-in").click()
        page.locator("#frame").fill("3")
        page.get_by_role("button", name="Bad b", exact=True).click()
        title_is(page, "bad in 0")
