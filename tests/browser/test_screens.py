"""The page on a phone, on a small screen and in the dark theme."""

import math

import pytest

from results import results_in
from viewer_page import click_cell, expect, middle, serious, serving, shoot, title_is, visiting

SIZES = {"phone": (390, 844), "zoomed": (683, 384), "small": (1024, 700), "wide": (1920, 1080)}
SCROLLED = """[...document.querySelectorAll("#analysis *")].filter((part) =>
    part.scrollWidth > part.clientWidth + 1
    && ["auto", "scroll"].includes(getComputedStyle(part).overflowX))"""
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
    context = browser.new_context(has_touch=True, is_mobile=True, color_scheme="dark")
    with visiting(context, address) as page:
        page.set_viewport_size({"width": width, "height": height})
        buttons = {
            name: page.locator("#marking").get_by_role("button", name=name, exact=True)
            for name in ("Good", "Bad", "Undo", "Redo")
        }
        places = {name: button.bounding_box() for name, button in buttons.items()}
        for place in places.values():
            assert min(place["width"], place["height"]) >= 44
            assert place["y"] + place["height"] <= height
        page.touchscreen.tap(*middle(page, 2))
        title_is(page, "Cell 2")
        buttons["Bad"].tap()
        title_is(page, "bad in 0\u20135")
        expect(page.locator("#fov-0")).to_contain_text("✓")
        buttons["Undo"].tap()
        title_is(page, "good")
        page.locator("#plot").scroll_into_view_if_needed()
        trace, bar = (page.locator(part).bounding_box() for part in ("#plot", "#marking"))
        assert trace["y"] + trace["height"] <= bar["y"]
        assert {name: button.bounding_box() for name, button in buttons.items()} == places
        shoot(page, "phone trace")
        page.evaluate("scrollTo(0, 1e6)")
        last = page.locator("#history").bounding_box()
        assert last["y"] + last["height"] <= page.locator("#marking").bounding_box()["y"] + 1
        _analyse(page)


def _analyse(page):
    """Merge, fit and report with taps; every stage is narrow and readable in the dark."""
    page.get_by_role("button", name="Analysis", exact=True).tap()
    for text in ("Merge the samples first:", "Merge the samples, then fit them."):
        expect(page.get_by_text(text).first).to_be_visible()
    page.get_by_role("button", name="Merge", exact=True).tap()
    expect(page.locator("#tables li").first).to_be_visible()
    page.locator("#fit-model").select_option("constant")
    page.get_by_role("button", name="Fit all samples").tap()
    expect(page.locator("#fit-results")).to_contain_text("median R²")
    expect(page.locator("#histogram canvas")).to_be_visible()
    page.get_by_text("Parameters: fitted, fixed, bounds").tap()
    shoot(page, "phone fits")
    assert serious(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= SIZES["phone"][0]
    hidden = page.evaluate(f"{SCROLLED}.map((part) => part.outerHTML.slice(0, 80))")
    assert hidden == []
    page.get_by_role("button", name="Write the report").tap()
    expect(page.locator("#report-open")).to_be_visible()
    report = page.evaluate("document.querySelector('#report-open').href")
    text = page.request.get(report).text()
    assert "Samples are compared if there are two or more" in text


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
