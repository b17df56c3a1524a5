"""What is drawn: grey levels that can be compared, outlines that can be seen, colours."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from outline_contrast import points_along, share_visible
from pyama.pictures.outlines import polygons
from pyama.processing.workflow.run import process
from pyama.store import FovStore
from small_movie import CENTRES, HEIGHT, MOVIE, SHAPE, WIDTH, make_config, recording_of
from viewer_page import expect, serious, serving, shoot, until, visiting

SPOT = CENTRES[0]
"""Middle of a cell in FOV 0 that becomes brighter than 99 % of its stack."""


def draw_movie():
    """FOV 1 is four times as bright as FOV 0, and has no cells in its last frame."""
    movie = MOVIE[:2].copy()
    y, x = np.indices(SHAPE)
    for t in range(6):
        spot = (y - SPOT[0]) ** 2 + (x - SPOT[1] - 2 * t) ** 2 <= 6**2
        movie[0, t, 1][spot] = 900 + 350 * t
    movie[1, :, 1] *= 4
    movie[1, 5, 0] = 2000
    return movie


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    results = tmp_path_factory.mktemp("root") / "results"
    assert process(recording_of(draw_movie()), make_config(), results).succeeded
    return results


@pytest.fixture(scope="module")
def address(folder):
    with serving(folder.parent) as served:
        yield served


@pytest.fixture
def page(browser, address):
    with visiting(browser.new_context(), address) as opened:
        yield opened


def show(page, frame):
    page.evaluate("t => window.pyama.viewer.showFrame(t)", frame)


def picture(page):
    """The first image as it is drawn, with scale and shift from pixels of the frame."""
    url = page.evaluate("document.querySelector('.pane canvas').toDataURL('image/png')")
    data = base64.b64decode(url.partition(",")[2])
    image = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    height, width = image.shape[:2]
    scale = min(height / HEIGHT, width / WIDTH)
    return image, scale, np.array([width - WIDTH * scale, height - HEIGHT * scale]) / 2


def at_the_spot(page, frame):
    image, scale, shift = picture(page)
    x, y = (np.array([SPOT[1] + 2 * frame + 0.5, SPOT[0] + 0.5]) * scale + shift).astype(int)
    return image[y - 3 : y + 4, x - 3 : x + 4].mean(axis=(0, 1))


def greys_of_the_spot(page):
    found = []
    for frame in range(6):
        show(page, frame)
        found.append(at_the_spot(page, frame).mean())
    return np.array(found)


def show_only(page, name):
    page.get_by_role("button", name=name, exact=True).click()
    page.get_by_role("button", name="Phase", exact=True).click()


def test_a_cell_that_brightens_never_looks_darker_and_levels_agree(page):
    page.locator("#outlines").uncheck()
    show_only(page, "GFP")
    greys = {"preview": greys_of_the_spot(page)}
    page.locator("#slow").check()
    greys["jpeg"] = greys_of_the_spot(page)
    page.locator("#slow").uncheck()
    page.locator("#level").select_option("0")
    greys["full"] = greys_of_the_spot(page)
    low, high = (round(float(part)) for part in counts(page).split(" ")[0].split("\u2013"))
    expected = 255 * (900 + 350 * np.arange(6) - low) / (high - low)
    for name, found in greys.items():
        np.testing.assert_allclose(found, expected, atol=8 if name == "jpeg" else 2)
    assert (np.diff(greys["preview"]) > 20).all()

    page.get_by_role("button", name="Auto per view").click()
    expect(page.locator(".pane")).to_contain_text("GFP, contrast of this frame alone")
    show(page, 0)
    alone = at_the_spot(page, 0).mean()
    assert alone > expected[0] + 50
    page.locator("#level").select_option("1")
    show(page, 0)
    assert at_the_spot(page, 0).mean() == pytest.approx(alone, abs=2)
    page.reload()
    expect(page.locator(".pane")).to_contain_text("GFP, contrast of this frame alone")
    expect(page.locator("#outlines")).not_to_be_checked()
    page.get_by_role("button", name="Whole data set").click()
    expect(page.locator(".pane")).not_to_contain_text("alone")
    page.locator("#fov-1").click()
    expect(page.locator("#fov-1")).to_have_attribute("aria-current", "true")
    assert counts(page) == f"{low}\u2013{high} counts"


def test_the_contrast_of_the_first_field_of_view_stands_for_those_to_come(browser, address):
    def before_a_stack_is_finished(route):
        answer = route.fetch()
        route.fulfill(response=answer, json=answer.json() | {"contrasts": {}})

    context = browser.new_context()
    context.route(re.compile(r"/api/dataset\?"), before_a_stack_is_finished)
    with visiting(context, address) as page:
        show_only(page, "GFP")
        before = counts(page)
        page.locator("#fov-1").click()
        expect(page.locator("#fov-1")).to_have_attribute("aria-current", "true")
        show(page, 1)
        assert counts(page) == before


def counts(page):
    return page.locator("#contrast output").inner_text()


SHOWN = "document.querySelectorAll('.pane.waiting').length === 0"


def with_and_without_outlines(page, folder, frame=2):
    """Both pictures, and points along the outlines of every cell."""
    show(page, frame)
    until(page, SHOWN)
    drawn, scale, shift = picture(page)
    page.locator("#outlines").uncheck()
    until(page, SHOWN)
    plain = picture(page)[0]
    page.locator("#outlines").check()
    show(page, frame)
    labels = FovStore(folder, 0).stack("seg_tracked_ch_0")[frame]
    points = {
        cell: points_along(rings, scale, shift) for cell, rings in polygons(labels).items()
    }
    return drawn, plain, points


@pytest.mark.parametrize("name", ["Phase", "GFP"])
def test_outlines_are_seen_on_dark_and_bright_pictures(page, folder, name):
    if name == "GFP":
        show_only(page, name)
        page.get_by_label("White level of GFP").fill("130")  # cells are white
    page.locator("#cell").select_option("1")
    page.locator("#other").select_option("2")
    expect(page.locator("#join")).to_be_enabled()
    page.locator("#ids").uncheck()
    drawn, plain, points = with_and_without_outlines(page, folder)
    shares = {cell: share_visible(drawn, plain, along) for cell, along in points.items()}
    assert min(shares.values()) >= 0.95, shares
    # The selected cell differs by its width, the other one by gaps, too.
    changed = (drawn != plain).any(axis=2)
    widths = {cell: area(changed, along) for cell, along in points.items()}
    assert widths[1] == pytest.approx(7, abs=1)
    assert widths[3] == pytest.approx(3, abs=0.7)
    bright = drawn.mean(axis=2) > 90
    assert share_of(bright & changed, points[1]) > 0.95
    assert share_of(bright & changed, points[2]) == pytest.approx(0.75, abs=0.1)
    shoot(page, f"outlines {name}")


def area(changed, along):
    """Changed pixels around an outline per px of its length, which has two points per px."""
    y, x = np.mgrid[: changed.shape[0], : changed.shape[1]]
    box = np.concatenate([along.min(axis=0) - 6, along.max(axis=0) + 6])
    near = (x > box[0]) & (y > box[1]) & (x < box[2]) & (y < box[3])
    steps = np.abs(np.diff(np.floor(along), axis=0)).max(axis=1)
    return (changed & near).sum() / steps.sum()


def share_of(mask, along):
    x, y = np.floor(along).astype(int).T
    return mask[y, x].mean()


def test_channels_are_shown_as_colours_and_so_after_a_reload(page):
    page.locator("#outlines").uncheck()
    page.get_by_role("button", name="GFP", exact=True).click()
    expect(page.locator(".pane")).to_have_count(2)
    page.locator("#layout").select_option("overlay")
    expect(page.locator(".pane")).to_have_count(1)
    expect(page.locator(".pane")).to_contain_text("GFP")
    show(page, 5)
    red, green, blue = at_the_spot(page, 5)
    assert red == pytest.approx(blue, abs=2)
    assert red > green + 60
    page.get_by_label("Colour of GFP").select_option("green")
    page.reload()
    expect(page.get_by_label("Colour of GFP")).to_have_value("green")
    expect(page.locator(".pane")).to_have_count(1)
    show(page, 5)
    red, green, blue = at_the_spot(page, 5)
    assert red == pytest.approx(blue, abs=2)
    assert green > red + 60
    page.locator("#outlines").check()
    shoot(page, "overlay")
    assert serious(page) == []


def test_the_segmentation_before_tracking_is_shown(page, folder):
    remarks = page.locator("#outline-remarks")
    page.locator("#outlines").uncheck()
    expect(remarks).to_be_hidden()
    show(page, 2)
    plain = picture(page)[0]
    with page.expect_response(lambda answer: "kind=labeled" in answer.url):
        page.locator("#labeled").check()
    expect(remarks).to_have_text("segmentation (before tracking): 4 cells")
    labels = FovStore(folder, 0).stack("seg_labeled_ch_0")[2]
    drawn, scale, shift = picture(page)
    rings = [ring for own in polygons(labels).values() for ring in own]
    assert share_visible(drawn, plain, points_along(rings, scale, shift)) >= 0.95
    page.locator("#outlines").check()
    page.reload()
    expect(page.locator("#labeled")).to_be_checked()
    page.locator("#fov-1").click()
    expect(page.locator("#fov-1")).to_have_attribute("aria-current", "true")
    show(page, 5)
    expect(remarks).to_have_text(
        "segmentation (before tracking): none in this frame \u00b7 "
        "tracked cells: none in this frame"
    )
    page.locator("#fov-0").click()
    expect(remarks).to_have_text("segmentation (before tracking): 4 cells")


def test_a_segmentation_that_is_not_finished_is_told(browser, address, folder):
    (folder / "fov_001" / ".marks" / "seg_labeled_ch_0.0.json").unlink()
    with visiting(browser.new_context(), address) as page:
        page.locator("#labeled").check()
        page.locator("#fov-1").click()
        expect(page.locator("#outline-remarks")).to_contain_text(
            "no segmentation (before tracking): it is not finished"
        )
