"""The page on a phone, on a small screen and in the dark theme."""

import math

import pytest

from results import results_in
from viewer_page import click_cell, expect, middle, serious, serving, shoot, title_is, visiting

SIZES = {"phone": (390, 844), "zoomed": (683, 384), "small": (1024, 700), "wide": (1920, 1080)}
PARTS = ["View", "Run", "Analysis"]


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    root = tmp_path_factory.mktemp("root")
    results_in(root)
    with serving(root) as served:
        yield served


@pytest.mark.parametrize(("scheme", "read"), [("light", "phone"), ("dark", "small")])
def test_every_part_fits_every_screen(browser, address, scheme, read):
    with visiting(browser.new_context(color_scheme=scheme), address) as page:
        for size, (width, height) in SIZES.items():
            page.set_viewport_size({"width": width, "height": height})
            for part in PARTS:
                page.get_by_role("button", name=part, exact=True).click()
                expect(page.locator(f"#{part.lower()}")).to_be_visible()
                shoot(page, f"{size} {scheme} {part}")
                assert page.evaluate("document.documentElement.scrollWidth") <= width
                if size == read:
                    assert serious(page) == []


def test_a_thumb_is_enough_on_a_phone(browser, address):
    width, height = SIZES["phone"]
    context = browser.new_context(has_touch=True, is_mobile=True)
    with visiting(context, address) as page:
        page.set_viewport_size({"width": width, "height": height})
        page.touchscreen.tap(*middle(page, 2))
        title_is(page, "Cell 2")
        bad = page.get_by_role("button", name="Bad", exact=True)
        assert bad.bounding_box()["height"] >= 38
        bad.tap()
        title_is(page, "bad in 0\u20135")
        page.get_by_role("button", name="Undo").tap()
        title_is(page, "good")


def test_two_fingers_zoom_around_their_middle(browser, address):
    with visiting(browser.new_context(has_touch=True), address) as page:
        where, other = middle(page, 2), middle(page, 1)
        touch = page.context.new_cdp_session(page)

        def fingers(kind, distance):
            points = [{"x": where[0] + side * distance, "y": where[1]} for side in (-1, 1)]
            touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

        fingers("touchStart", 20)
        for distance in range(22, 62, 2):
            fingers("touchMove", distance)
        touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        assert middle(page, 2) == pytest.approx(where, abs=3)
        assert math.dist(middle(page, 1), where) > 2 * math.dist(other, where)
        click_cell(page, 2)
        title_is(page, "Cell 2")
