"""On a slow server no click is lost, and no older answer is shown over a newer one."""

import re

import pytest

from pyama.testing.nd2_writer import write_nd2
from results import results_in
from small_movie import MOVIE
from viewer_page import (
    PATIENCE_MS,
    click_cell,
    expect,
    inspected,
    middle,
    serving,
    title_is,
    until,
    visiting,
)


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    root = tmp_path_factory.mktemp("root")
    results_in(root)
    write_nd2(root / "long.nd2", MOVIE[:1, :, None], channel_names=["Phase", "GFP"])
    write_nd2(root / "short.nd2", MOVIE[:1, :2, None], channel_names=["Phase", "GFP"])
    with serving(root) as address:
        yield root, address


@pytest.fixture
def page(browser, served):
    context = browser.new_context()
    # Chromium may miss the first requests after its interception is switched on, so it is on
    # from the start.
    context.route(re.compile("/api/"), lambda route: route.fallback())
    with visiting(context, served[1]) as opened:
        yield opened


class Held:
    """Requests that wait until they are let go."""

    def __init__(self, page, pattern):
        self.waiting = []
        page.route(re.compile(pattern), self.hold)

    def hold(self, route):
        self.waiting.append(route)

    def wait_for(self, page, n):
        for _ in range(PATIENCE_MS // 50):
            if len(self.waiting) >= n:
                return
            page.wait_for_timeout(50)
        pytest.fail(f"{len(self.waiting)} requests instead of {n}")

    def let_go(self, index=0):
        self.waiting.pop(index).continue_()


def test_clicks_while_cells_are_loading_count_afterwards(page, served):
    where = middle(page, 2)
    held = Held(page, r"/api/fovs/1/tracks")
    page.locator("#fov-1").click()
    held.wait_for(page, 1)
    until(page, "window.pyama.state.source?.fov === 1")
    page.mouse.click(*where)
    page.keyboard.press("b")
    assert page.locator("#cell-title").inner_text() == "No cell selected"
    held.let_go()
    title_is(page, "Cell 2: frames 0\u20135 (6), bad in 0\u20135")
    assert not inspected(served[0], fov=1).query("cell == 2")["good"].any()
    page.keyboard.press("u")
    title_is(page, "(6), good")


def test_actions_are_saved_in_the_order_of_the_clicks(page):
    click_cell(page, 1)
    title_is(page, "Cell 1")
    held = Held(page, r"/api/fovs/0/inspection")
    page.keyboard.press("b")
    page.keyboard.press("u")
    page.get_by_role("button", name="Bad b", exact=True).click()
    page.locator("#fov-1").click()
    for _ in range(3):
        held.wait_for(page, 1)
        page.wait_for_timeout(100)
        assert len(held.waiting) == 1, "one overtook another"
        held.let_go()
        page.wait_for_timeout(100)
    expect(page.locator("#fov-1")).to_have_attribute("aria-current", "true")
    page.unroute_all()
    page.locator("#fov-0").click()
    page.locator("#cell").select_option("1")
    title_is(page, "bad in 0\u20135")
    page.get_by_role("button", name="Undo").click()
    title_is(page, "(6), good")


def test_the_last_field_of_view_that_was_chosen_stays(page):
    held = Held(page, r"/api/fovs/\d+\?")
    page.locator("#fov-1").click()
    page.locator("#fov-0").click()
    held.wait_for(page, 2)
    held.let_go(1)
    expect(page.locator("#fov-0")).to_have_attribute("aria-current", "true")
    held.let_go(0)
    page.wait_for_timeout(500)
    expect(page.locator("#fov-0")).to_have_attribute("aria-current", "true")
    assert page.evaluate("window.pyama.state.source?.fov") == 0


def test_the_last_column_that_was_chosen_stays(page):
    held = Held(page, r"/api/fovs/0/traces/")
    page.locator("#column").select_option("area_ch_0")
    page.locator("#column").select_option("aspect_ratio_ch_0")
    held.wait_for(page, 2)
    held.let_go(1)
    until(page, "window.pyama.state.traces.column === 'aspect_ratio_ch_0'")
    held.let_go(0)
    page.wait_for_timeout(500)
    assert page.evaluate("window.pyama.state.traces.column") == "aspect_ratio_ch_0"


def test_an_older_picture_is_marked_as_such(page):
    until(page, "window.pyama.viewer.counts.firstPicture")
    held = Held(page, r"/frames/fl_ch_1/")
    page.get_by_role("button", name="GFP", exact=True).click()
    held.wait_for(page, 1)
    expect(page.locator(".pane").last).to_have_class("pane waiting")
    while held.waiting:
        held.let_go()
    page.unroute_all()
    expect(page.locator(".pane").last).to_have_class("pane")


def test_enter_applies_what_is_still_being_previewed(page, served):
    click_cell(page, 3)
    title_is(page, "Cell 3")
    held = Held(page, r"/inspection/preview")
    page.get_by_role("button", name="Delete").click()
    held.wait_for(page, 1)
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("Enter")
    held.let_go()
    expect(page.locator("#cell option")).to_have_count(4)
    page.keyboard.press("u")
    expect(page.locator("#cell option")).to_have_count(5)


def test_the_last_recording_that_was_chosen_stays(page):
    page.get_by_role("button", name="Run").click()
    expect(page.locator("#run-file option")).to_have_count(3)
    held = Held(page, r"/api/recording\?")
    page.locator("#run-file").select_option("long.nd2")
    page.locator("#run-file").select_option("short.nd2")
    held.wait_for(page, 2)
    expect(page.locator("#run-start")).to_be_disabled()
    held.let_go(1)
    expect(page.locator("#run-facts")).to_contain_text("2 frames")
    held.let_go(0)
    page.wait_for_timeout(500)
    expect(page.locator("#run-facts")).to_contain_text("2 frames")
    expect(page.locator("#run-output")).to_have_value("short_results")


def test_what_cannot_be_saved_is_told_and_the_next_click_works(browser, served):
    is_full = False

    def answer(route):
        if is_full:
            route.fulfill(status=503, body="No space.")
        else:
            route.continue_()

    with visiting(browser.new_context(), served[1], allowed=["503"]) as page:
        page.route(re.compile("/inspection"), answer)
        click_cell(page, 4)
        title_is(page, "Cell 4")
        is_full = True
        page.keyboard.press("b")
        expect(page.locator("#status")).to_have_text("No space.")
        title_is(page, "Cell 4: frames 0\u20135 (6), good")
        is_full = False
        page.keyboard.press("b")
        title_is(page, "bad in 0\u20135")
        page.keyboard.press("u")
        title_is(page, "(6), good")


def test_two_tabs_and_two_users_do_not_erase_each_other(browser, page, served):
    with visiting(browser.new_context(), served[1]) as other:
        click_cell(page, 1)
        title_is(page, "Cell 1")
        page.keyboard.press("b")
        title_is(page, "bad in 0\u20135")
        click_cell(other, 2)
        title_is(other, "Cell 2")
        other.keyboard.press("b")
        title_is(other, "bad in 0\u20135")
        assert set(inspected(served[0]).query("not good")["cell"]) == {1, 2}
        page.keyboard.press("u")  # takes back one's own, not the last
        title_is(page, "(6), good")
        assert set(inspected(served[0]).query("not good")["cell"]) == {2}
        expect(page.locator("#log li:not(.off)").last).to_contain_text("cell 2 bad")
        other.keyboard.press("u")
        title_is(other, "(6), good")


def test_late_settings_of_earlier_results_replace_nothing(page):
    earlier = [{"dir": "old", "time": "2026-01-01T00:00:00Z", "text": "1 FOV"}]
    filled = {"output": "old", "fovs": "0-1", "notes": []}
    lists, settings = Held(page, "/recording/earlier"), Held(page, "/recording/settings")
    page.get_by_role("button", name="Run").click()
    for name in ("long.nd2", "short.nd2"):
        page.locator("#run-file").select_option(name)
        lists.wait_for(page, 1)
        lists.waiting.pop().fulfill(json=earlier)
        settings.wait_for(page, 1)
        if name == "long.nd2":  # something is typed before the settings arrive
            page.locator("#run-fovs").fill("0")
            settings.waiting.pop().fulfill(json=filled)
            expect(page.locator("#run-earlier-text")).to_have_text(re.compile("Choose one"))
            expect(page.locator("#run-fovs")).to_have_value("0")
    page.locator("#run-file").select_option("long.nd2")  # while those of another are loaded
    lists.wait_for(page, 1)
    settings.waiting.pop().fulfill(json=filled)
    page.wait_for_timeout(300)
    expect(page.locator("#run-fovs")).to_have_value("")
    expect(page.locator("#run-output")).to_have_value("long_results")


def test_the_form_is_made_once_however_often_it_is_opened(page):
    held = Held(page, "/api/schema")
    for _ in range(2):
        page.get_by_role("button", name="Run").click()
    held.wait_for(page, 1)
    page.wait_for_timeout(200)
    held.let_go()
    page.locator("#run-file").select_option("long.nd2")
    expect(page.locator("#run-facts")).to_contain_text("6 frames")
    assert held.waiting == []
    expect(page.locator("#run-file")).to_have_value("long.nd2")
