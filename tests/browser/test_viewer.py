"""The whole story in a real browser: view, correct, run, analyse."""

import re
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest

from pyama.processing.workflow.run import process
from pyama.testing.nd2_writer import write_nd2
from pyama.traces.corrections import MarkCell
from pyama.traces.inspection import Inspection
from results import results_in
from small_movie import HEIGHT, MOVIE, WIDTH, make_config, n_cells, recording_of
from viewer_page import (
    click_cell,
    expect,
    inspected,
    serious,
    serving,
    shoot,
    title_is,
    until,
    visiting,
)

PAUSED = Path(__file__).with_name("paused_feature.py")


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A root with results and a recording, and the address of the page."""
    tmp_path = tmp_path_factory.mktemp("root")
    results_in(tmp_path)
    (tmp_path / "narrow").mkdir()
    narrow = make_config(border_margin=28)  # leaves only cell 3
    assert process(recording_of(MOVIE[:2]), narrow, results_in(tmp_path / "narrow")).succeeded
    movie = np.concatenate([MOVIE[:2]] * 8, axis=1)[:, :, None]
    write_nd2(tmp_path / "new.nd2", movie, channel_names=["Phase", "GFP"])
    with serving(tmp_path, "--plugins", PAUSED) as address:
        yield tmp_path, address


@pytest.fixture
def page(browser, served):
    with visiting(browser.new_context(), served[1], ["428", "status of 422"]) as opened:
        yield opened


def test_the_whole_story(page, served):
    root = served[0]
    shoot(page, "1 opened")
    assert serious(page) == []
    page.get_by_role("button", name="Play").click()
    expect(page.locator("#time")).to_contain_text("frame 3 of 5")
    page.get_by_role("button", name="Pause").click()

    click_cell(page, 2)
    title_is(page, "Cell 2: frames 0\u20135 (6), good")
    page.keyboard.press("b")
    title_is(page, "bad in 0\u20135")
    page.keyboard.press("u")
    title_is(page, "good")
    page.get_by_role("button", name="Bad b", exact=True).click()
    title_is(page, "bad in 0\u20135")
    shoot(page, "2 bad")
    assert not inspected(root).query("cell == 2")["good"].any()

    click_cell(page, 1)
    title_is(page, "Cell 1")
    page.locator("#frame").fill("3")
    page.keyboard.press("x")
    expect(page.locator("#proposal-text")).to_contain_text("Cut 1: from frame 3")
    shoot(page, "3 cut")
    assert serious(page) == []
    page.get_by_role("button", name="Apply").click()
    title_is(page, "Cell 1: frames 0\u20132")
    click_cell(page, 5, shift=True)
    page.get_by_role("button", name="Join").click()
    expect(page.locator("#proposal-text")).to_contain_text("Join 5 to 1")
    shoot(page, "4 join")
    page.keyboard.press("Enter")
    title_is(page, "Cell 1: frames 0\u20135")
    assert "source_cell" in inspected(root)

    page.reload()
    expect(page.locator("#log li")).to_have_count(4)
    expect(page.locator("#fov-0")).to_contain_text("✓")
    page.locator("#cell").select_option("2")
    title_is(page, "bad in 0\u20135")
    shoot(page, "5 reloaded")
    page.get_by_text("History").click()
    assert serious(page) == []

    page.get_by_role("button", name="Run").click()
    expect(page.get_by_text("Choose a recording first.")).to_be_visible()
    expect(page.locator("#image-canvas")).to_be_hidden()
    expect(page.get_by_text("Finding cells")).to_be_hidden()
    page.locator("#run-file").select_option("new.nd2")
    expect(page.locator("#run-facts")).to_contain_text("2 FOVs, 48 frames")
    page.get_by_role("button", name="Try on this frame").click()
    expect(page.locator("#image-cells")).to_have_text("4 cells")
    propose_size(page)
    page.get_by_text("Finding cells").click()
    expect(page.locator("#p-morph_size")).to_be_visible()
    expect(page.locator("#p-split_h")).to_be_hidden()
    page.locator("#p-segmentation_method").select_option("watershed")
    expect(page.locator("#p-morph_size")).to_be_hidden()
    expect(page.locator("#p-split_h")).to_be_visible()
    page.locator("#run-changes button").click()  # sets the only change back
    expect(page.locator("#run-changes")).to_be_hidden()
    expect(page.locator("#p-segmentation_method")).to_have_value("logstd")
    page.locator("#p-min_object_size").fill("8000")  # px²
    expect(page.locator("#image-cells")).to_have_text("0 cells")
    expect(page.locator("#p-min_object_size-help")).to_contain_text("= 3380 µm²")
    page.locator("#p-min_object_size").fill("50")
    expect(page.locator("#image-cells")).to_have_text("4 cells")
    page.get_by_text("Following cells").click()
    page.locator("#p-registration").select_option("phase_correlation")
    page.get_by_text("Traces", exact=True).last.click()
    page.locator("#p-min_frames").fill("-2")
    page.get_by_role("button", name="Plan", exact=True).click()
    expect(page.locator("#status")).to_have_text("min frames: expected a whole number from 0.")
    expect(page.locator("#p-min_frames")).to_be_focused()
    page.locator("#p-min_frames").fill("2")
    page.locator("#p-border_margin").fill("2")
    page.get_by_text("Time and computer").click()
    page.locator("#p-n_workers").fill("1")
    page.get_by_text("What is measured").click()
    page.get_by_label("neighbours", exact=True).check()
    page.get_by_label("paused", exact=True).check()
    page.get_by_text("Parameters of neighbours", exact=True).click()
    page.get_by_label("distance", exact=True).fill("40")
    assert serious(page) == []
    (root / "paused").touch()
    page.get_by_role("button", name="Start").click()
    expect(page.locator("#run-fov-list")).to_contain_text("extraction")
    shoot(page, "6 running")
    with page.expect_response(re.compile("/cancel")):
        page.get_by_role("button", name="Cancel", exact=True).click()
    (root / "paused").unlink()
    expect(page.locator("#run-status")).to_contain_text("Cancelled")
    expect(page.locator("#run-command")).to_contain_text("--set min_frames=2")
    expect(page.locator("#run-command")).to_contain_text("--set neighbours.distance=40")
    expect(page.locator("#run-command")).to_contain_text(
        "--set registration=phase_correlation"
    )
    page.get_by_role("button", name="Resume").click()
    expect(page.locator("#run-status")).to_contain_text("Finished")
    expect(page.locator("#run-fov-list")).to_have_text("FOV 0finishedFOV 1finished")
    shoot(page, "7 finished")
    assert serious(page) == []
    page.get_by_role("button", name="Show the results").click()
    expect(page.locator("#fov-list")).to_contain_text("FOV 1")
    expect(page.locator("#time")).to_contain_text("of 47")
    expect(page.locator("#plot")).to_have_attribute("aria-label", re.compile(r"time \(h\)"))
    shoot(page, "8 results")

    page.get_by_role("button", name="Analysis").click()
    page.get_by_role("button", name="Merge").click()
    expect(page.locator("#tables")).to_contain_text("all_merged.csv")
    page.get_by_role("button", name="Fit all samples").click()
    expect(page.locator("#summary")).to_contain_text("all")
    rename_fit_and_download(page)
    shoot(page, "9 analysis")
    drawn = "c => new Set(c.getContext('2d').getImageData(0, 0, c.width, c.height).data).size"
    assert page.locator("#histogram canvas").evaluate(drawn) > 3
    assert serious(page) == []

    page.get_by_role("button", name="Write the report").click()
    with page.expect_popup() as opened:
        page.get_by_role("link", name="Open the report").click()
    report = opened.value
    expect(report.locator("h1")).to_contain_text("new")
    expect(report.locator(".plotly .main-svg").first).to_be_visible()
    assert report.evaluate("window.origin") == "null"
    shoot(report, "10 report")
    report.close()

    page.get_by_role("button", name="View", exact=True).click()
    expect(page.locator("#fit-shown")).to_have_value("maturation")
    click_cell(page, 2)
    title_is(page, "maturation: R\u00b2")
    expect(page.locator("#legend")).to_contain_text("fit")
    shoot(page, "11 fits")
    page.locator("#fit-shown").select_option("none")
    expect(page.locator("#legend")).not_to_contain_text("fit")
    expect(page.locator("#column option[value=neighbours_ch_0]")).to_have_count(1)
    replace_after_reading(page, root)
    apply_advice(page)


def propose_size(page):
    """Look at a proposal and close it, then use it, and set the form back."""
    button = page.get_by_role("button", name="Propose size")
    button.click()
    expect(page.locator("#suggestion-picture img")).to_be_visible()
    expect(page.locator("#suggestion-text")).to_contain_text("This is fairly sure.")
    shoot(page, "5 proposal")
    assert serious(page) == []
    page.keyboard.press("Escape")
    expect(page.locator("#suggestion")).to_be_hidden()
    expect(page.locator("#p-segmentation_method")).to_have_value("logstd")
    button.click()
    page.get_by_role("button", name="Use it").click()
    expect(page.locator("#p-segmentation_method")).to_have_value("unet")
    expect(page.locator("#p-cell_diameter")).to_have_value(re.compile("^[23][0-9]$"))
    for _ in range(2):
        page.locator("#run-changes button").first.click()
    expect(page.locator("#p-segmentation_method")).to_have_value("logstd")
    expect(page.locator("#image-cells")).to_have_text("4 cells")


def replace_after_reading(page, root):
    """Reload, change a setting, and be asked before inspected results are replaced."""
    Inspection(root / "new_results", 1).add(MarkCell(cell=2, good=False), "me")
    page.reload()
    page.get_by_role("button", name="Run").click()
    expect(page.locator("#run-output")).to_have_value("new_results")
    expect(page.locator("#p-min_frames")).to_have_value("2")
    expect(page.locator("#run-changes")).to_contain_text("neighbours.distance = 40")
    expect(page.locator("#run-earlier option").first).to_contain_text("FOV 1 inspected")
    page.locator("#run-plan").click()
    expect(page.locator("#run-plan-lines")).to_contain_text("a run would change nothing")
    page.get_by_text("Following cells").click()
    page.locator("#p-min_iou").fill("0.3")
    expect(page.locator("#run-plan-state")).to_contain_text("Outdated")
    page.locator("#run-plan").click()
    expect(page.locator("#run-replaced")).to_contain_text(
        re.compile(
            rf"FOV 1: {n_cells(1)} traces, 1 inspection with 1 entry.*"
            rf"FOV 0: {n_cells(0)} traces, not insp"
        )
    )
    expect(page.locator("#run-kept")).to_contain_text("copying")
    expect(page.locator("#run-plan-command")).to_contain_text("--set min_iou=0.3")
    expect(page.locator("#run-command")).not_to_contain_text("min_iou")  # of the last run
    assert serious(page) == []
    shoot(page, "8 plan")
    Inspection(root / "new_results", 1).add(MarkCell(cell=3, good=False), "another")
    page.locator("#run-start").click()
    expect(page.locator("#run-ask-facts")).to_contain_text("with 1 entry")
    shoot(page, "9 asked")
    assert serious(page) == []
    page.get_by_role("button", name="Replace and start").click()
    expect(page.locator("#run-ask-facts")).to_contain_text("with 2 entries")
    page.keyboard.press("Escape")
    expect(page.locator("#run-start")).to_be_enabled()
    assert not (inspected(root, 1, "new_results").query("cell == 3")["good"].any())
    page.locator("#run-start").click()
    expect(page.locator("#run-ask-facts")).to_contain_text("with 2 entries")
    page.get_by_role("button", name="Replace and start").click()
    expect(page.locator("#run-command")).to_contain_text("--redo")
    expect(page.locator("#run-status")).to_contain_text("Finished")


def apply_advice(page):
    """Start fresh with a margin that leaves no trace, and let a button set the advised one."""
    page.locator("#run-earlier").select_option("")
    expect(page.locator("#run-output")).to_have_value("new_results_2")
    page.get_by_text("Traces", exact=True).last.click()
    page.locator("#p-border_margin").fill("70")
    page.locator("#run-start").click()
    advised = page.locator("#run-summary button")
    expect(advised).to_contain_text("border_margin")
    shoot(page, "9 advice")
    assert serious(page) == []
    advised.click()
    expect(page.locator("#p-border_margin")).not_to_have_value("70")
    expect(page.locator("#run-replaced")).to_contain_text("0 traces, not inspected")


def rename_fit_and_download(page):
    """Rename the sample, fit with a fixed parameter, and take the results away."""
    expect(page.locator("#fit-replaced")).to_contain_text("all_merged_fitted_maturation.csv")
    page.get_by_label("Name of the sample").fill("")
    page.get_by_role("button", name="Merge").click()
    expect(page.locator("#samples-problem")).to_contain_text("cannot be part of a file name")
    page.get_by_label("Name of the sample").fill("cells")
    page.get_by_role("button", name="Merge").click()
    expect(page.locator("#tables")).to_contain_text("cells_merged.csv")
    expect(page.locator("#tables")).to_contain_text("(earlier samples)")
    expect(page.locator("#fit-results")).to_contain_text("No fit yet")
    page.get_by_text("Parameters: fitted, fixed").click()
    page.get_by_label("How t0 is treated").select_option("fixed")
    page.get_by_label("Value or start of t0").fill("1,5")
    expect(page.locator("#fit-problem")).to_contain_text("'1,5' is not a number")
    expect(page.locator("#fit")).to_be_disabled()
    page.get_by_label("Value or start of t0").fill("0.5")
    expect(page.locator("#fit-command")).to_contain_text("cells_merged.csv")
    expect(page.locator("#fit-command")).to_contain_text("--fix t0=0.5")
    page.get_by_label("Starts per cell").fill("3")
    page.reload()
    expect(page.locator("#fit-command")).to_contain_text("--fix t0=0.5 --starts 3")
    page.get_by_text("Parameters: fitted, fixed, bounds").click()
    expect(page.get_by_label("Value or start of t0")).to_have_value("0.5")
    expect(page.get_by_label("How t0 is treated")).to_have_value("fixed")
    assert serious(page) == []
    page.get_by_role("button", name="Fit all samples").click()
    expect(page.locator("#fit-results")).to_contain_text("t0 (h)0.5 (fixed)")
    expect(page.locator("#summary")).to_contain_text("cells")
    with page.expect_download() as table:
        page.get_by_role("link", name="cells_merged.csv").click()
    assert '# sample: "cells"' in Path(table.value.path()).read_text(encoding="utf-8")
    with page.expect_download() as archive:
        page.get_by_role("link", name="Download all as zip").click()
    names = zipfile.ZipFile(archive.value.path()).namelist()
    assert "cells_merged_fitted_maturation.csv" in {name.partition("/")[2] for name in names}
    with page.expect_download() as samples:
        page.get_by_role("button", name="Save as samples.yaml").click()
    page.get_by_role("button", name="Remove the sample").click()
    page.locator("#samples-file").set_input_files(samples.value.path())
    expect(page.get_by_label("Name of the sample")).to_have_value("cells")


def test_outlines_are_there_at_every_size_and_after_every_part(page):
    click_cell(page, 2)
    with page.expect_response(re.compile("outlines.*spacing=[248]"), timeout=20_000):
        page.set_viewport_size({"width": 900, "height": 200})
    click_cell(page, 2)
    page.get_by_role("button", name="Analysis").click()
    with page.expect_response(re.compile("fovs/1/outlines")):
        page.evaluate("window.pyama.openFov(1)")
    page.set_viewport_size({"width": 1440, "height": 860})
    page.get_by_role("button", name="View", exact=True).click()
    click_cell(page, 2)
    title_is(page, "Cell 2")


def test_first_and_last_cells_and_frames_are_reached(page):
    page.locator("#frame").fill("5")
    click_cell(page, 4)
    title_is(page, "Cell 4")
    page.keyboard.press("ArrowDown")
    title_is(page, "Cell 1")
    page.keyboard.press("ArrowUp")
    title_is(page, "Cell 4")
    expect(page.locator("#time")).to_contain_text("frame 5 of 5")
    expect(page.locator("#plot")).to_have_attribute("aria-label", re.compile(r"time \(min\)"))


def start_fresh(page):
    """Do without the settings of results that another story has made."""
    expect(page.locator("#run-earlier-text")).to_contain_text(
        re.compile("no earlier|were loaded")
    )
    if page.locator("#run-earlier-box").is_visible():
        page.locator("#run-earlier").select_option("")
        expect(page.locator("#run-earlier-text")).to_contain_text("a new folder")


def test_a_trace_is_read_zoomed_and_selected_with_the_mouse(page):
    until(page, "Boolean(window.pyama.state.traces)")
    readout = page.locator("#plot .readout")
    box = page.locator("#plot .u-over").bounding_box()

    def point_to(x, y):
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])

    def find_trace(x):
        for step in range(100):
            point_to(x, step / 100)
            if "cell" in (text := readout.text_content()):
                return re.fullmatch(r"(cell \d) · (\S+) min · \S+ counts", text)
        return pytest.fail("no trace was found")

    found = find_trace(0)
    assert found[2] == "0"
    page.mouse.down()
    page.mouse.up()
    title_is(page, f"C{found[1][1:]}:")
    early = find_trace(0.25)[2]
    point_to(0.5, 0.5)
    page.mouse.down()
    point_to(0.9, 0.5)
    page.mouse.up()
    assert float(find_trace(0.25)[2]) > float(early)
    title_is(page, f"C{found[1][1:]}:")  # the end of a selection is no click
    shoot(page, "13 zoomed")
    for show_all in (page.keyboard.press, lambda _: page.mouse.dblclick(1200, 300)):
        show_all("z")
        assert find_trace(0.25)[2] == early
    page.locator("#log-axis").check()
    assert find_trace(0)[2] == "0"


def test_a_recording_that_is_added_is_listed_without_a_reload(page, served):
    files = page.locator("#run-file")
    page.get_by_role("button", name="Run").click()
    files.select_option("new.nd2")
    expect(page.locator("#run-facts")).to_contain_text("2 FOVs, 48 frames")
    added = shutil.copy(served[0] / "new.nd2", served[0] / "another.nd2")
    page.locator("#run-fovs").focus()
    files.focus()
    expect(files.locator("option")).to_have_text(["choose …", "another.nd2", "new.nd2"])
    expect(files).to_have_value("new.nd2")
    Path(added).unlink()
    page.evaluate("dispatchEvent(new Event('focus'))")
    expect(files.locator("option")).to_have_text(["choose …", "new.nd2"])
    page.get_by_role("button", name="View").click()
    shutil.copy(served[0] / "new.nd2", added)
    page.get_by_role("button", name="Run").click()
    expect(files.locator("option")).to_have_count(3)
    Path(added).unlink()


def test_a_feature_that_is_unticked_leaves_the_others(page):
    page.get_by_role("button", name="Run").click()
    page.locator("#run-file").select_option("new.nd2")
    expect(page.locator("#run-facts")).to_contain_text("2 FOVs, 48 frames")
    start_fresh(page)
    page.get_by_text("What is measured").click()
    group = page.get_by_label("Features in fluorescence", exact=True)
    for name in ("intensity_core", "intensity_middle", "paused"):
        group.get_by_label(name, exact=True).check()
    group.get_by_label("intensity_middle", exact=True).uncheck()
    page.get_by_label("0 \u00b7 Phase", exact=True).check()  # is not fluorescence, too
    page.get_by_role("button", name="Plan").click()
    expect(page.locator("#run-plan-command")).to_contain_text(
        re.compile("intensity_core.*paused")
    )
    expect(page.locator("#run-plan-command")).not_to_contain_text("intensity_middle")
    expect(page.locator("#run-plan-command")).to_contain_text("--pc 0 --fl 1 --")


BRIGHTNESS = """() => {
    const canvas = document.querySelector(".pane canvas");
    const context = canvas.getContext("2d");
    const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
    return data.reduce((sum, value) => sum + value, 0) / data.length;
}"""
SCALE_BAR = """() => {
    const drawn = CanvasRenderingContext2D.prototype;
    const { fillRect, fillText } = drawn;
    const bar = {};
    drawn.fillRect = (x, y, width, height) => { if (height === 3) bar.width = width; };
    drawn.fillText = (text) => { bar.text = text; };
    window.pyama.viewer.draw();
    Object.assign(drawn, { fillRect, fillText });
    const { width, height } = document.querySelector(".pane canvas");
    return [bar.text, bar.width / Math.min(width / WIDTH, height / HEIGHT)];
}""".replace("WIDTH", str(WIDTH)).replace("HEIGHT", str(HEIGHT))


def test_pictures_are_as_bright_at_both_levels_and_have_a_true_scale_bar(page):
    until(page, "window.pyama.viewer.counts.firstPicture")
    preview = page.evaluate(BRIGHTNESS)
    text, length = page.evaluate(SCALE_BAR)
    number, unit = text.split()
    assert unit == "\N{MICRO SIGN}m"
    assert length * 0.65 == pytest.approx(int(number))
    page.locator("#level").select_option("0")
    expect(page.locator(".pane")).to_have_class("pane")
    assert page.evaluate(BRIGHTNESS) == pytest.approx(preview, abs=3)


def tab_to(page, selector):
    """Press Tab until something has the focus."""
    for _ in range(150):
        if page.evaluate("s => document.activeElement.matches(s)", selector):
            return
        page.keyboard.press("Tab")
    pytest.fail(f"Tab does not lead to {selector}")


def test_the_main_story_needs_no_mouse(page, served):
    def press(selector, key="Enter"):
        tab_to(page, selector)
        page.keyboard.press(key)

    page.keyboard.press("?")
    expect(page.locator("#help")).to_be_visible()
    expect(page.locator("#help-title")).to_be_in_viewport()
    expect(page.locator("#meanings")).to_contain_text("how generous the mask is")
    assert serious(page) == []
    shoot(page, "12 keys")
    page.keyboard.press("Escape")
    page.keyboard.press("Space")
    expect(page.locator("#play")).to_have_text("Pause")
    page.keyboard.press("Space")
    press("#channels button:nth-child(2)")
    expect(page.locator(".pane")).to_have_count(2)

    page.keyboard.press("]")
    expect(page.locator("#fov-1")).to_have_attribute("aria-current", "true")
    for key in (*["ArrowLeft"] * 5, "ArrowDown", "ArrowDown", "ArrowRight", "ArrowRight", "B"):
        page.keyboard.press(key)
    title_is(page, "Cell 2: frames 0\u20135 (6), bad in 2\u20135")
    table = inspected(served[0], fov=1)
    assert table.query("cell == 2")["good"].tolist() == [True] * 2 + [False] * 4
    page.keyboard.press("u")
    title_is(page, "(6), good")
    for key in ("ArrowDown", "x", "Enter"):
        page.keyboard.press(key)
    title_is(page, "Cell 3: frames 0\u20131")
    tab_to(page, "#other")
    page.keyboard.type("6")
    for key in ("Tab", "m", "Enter"):
        page.keyboard.press(key)
    title_is(page, "Cell 3: frames 0\u20135")

    press("#tab-run")
    expect(page.locator("#run-file")).to_contain_text("new.nd2")
    tab_to(page, "#run-file")
    page.keyboard.type("new")
    expect(page.locator("#run-facts")).to_contain_text("2 FOVs, 48 frames")
    start_fresh(page)
    tab_to(page, "#run-output")
    page.keyboard.press("ControlOrMeta+A")
    page.keyboard.type("by_keys")
    press("details:has(input[value=paused]) > summary")
    press("input[value=paused]", "Space")
    expect(page.locator("input[value=paused]")).to_be_checked()
    (served[0] / "paused").touch()
    press("#run-start")
    expect(page.locator("#run-status")).to_contain_text("Running")
    with page.expect_response(re.compile("/cancel")):
        press("#run-cancel")
    (served[0] / "paused").unlink()
    expect(page.locator("#run-status")).to_contain_text("Cancelled")
    press("#run-resume")
    expect(page.locator("#run-status")).to_contain_text("Finished")

    press("#tab-analysis")
    press("#merge")
    expect(page.locator("#tables")).to_contain_text("all_merged.csv")
    press("#fit")
    expect(page.locator("#summary")).to_contain_text("all")


def test_a_cell_that_was_left_out_tells_why_and_is_kept(page, served):
    page.locator("#dataset").select_option("narrow/results")
    expect(page.locator("#left-out-title")).to_have_text("Left out (3)")
    good = page.locator("#good").bounding_box()
    click_cell(page, 1)
    title_is(page, "Cell 1: no trace")
    why = "Cell 1 comes within 25 px of the edge, and border_margin is 28 px."
    expect(page.locator("#left-out-text")).to_have_text(why)
    assert page.locator("#good").bounding_box() == good  # nothing moves under the mouse
    expect(page.locator("#legend")).to_contain_text("without a trace")
    page.get_by_text("Colours and lines").first.click()
    expect(page.locator("#colours")).to_contain_text("cell without a trace; click it")
    shoot(page, "13 left out")
    assert serious(page) == []
    page.keyboard.press("k")
    title_is(page, "Cell 1: frames 0\u20135 (6), good")
    kept = inspected(served[0] / "narrow")
    assert kept.groupby("cell")["left_out_by"].first().to_dict()[1] == "border_margin"
    page.keyboard.press("u")
    title_is(page, "Cell 1: no trace")
    expect(page.locator("#left-out-title")).to_have_text("Left out (3)")
    page.keyboard.press("r")
    title_is(page, "Cell 1: frames 0\u20135 (6), good")
    page.set_viewport_size({"width": 390, "height": 844})
    tab_to(page, "#left-out")
    page.keyboard.type("2")
    title_is(page, "Cell 2: no trace")
    shoot(page, "14 left out on a phone")
    assert serious(page) == []
    page.get_by_role("button", name="Include this cell").click()
    title_is(page, "Cell 2: frames")
    expect(page.locator("#left-out-title")).to_have_text("Left out (1)")


NAMELESS = """() => [...document.querySelectorAll('button, select, input, canvas, [tabindex]')]
    .filter(e => e.checkVisibility() && !e.textContent.trim() && !e.labels?.length
        && !e.closest('[role=img][aria-label]')
        && !e.getAttribute('aria-label') && !e.getAttribute('aria-labelledby'))
    .map(e => e.outerHTML)"""


@pytest.mark.parametrize("part", ["View", "Run", "Analysis"])
def test_everything_that_can_be_used_has_a_name(page, part):
    page.get_by_role("button", name=part, exact=True).click()
    page.wait_for_timeout(300)
    assert page.evaluate(NAMELESS) == []


def test_names_from_files_are_text(page, served):
    evil = '<img src=x onerror="document.title=1">'
    shutil.copytree(served[0] / "results", served[0] / evil)
    page.reload()
    expect(page.locator("#dataset option")).not_to_have_count(0)
    page.locator("#dataset").select_option(evil)
    expect(page.locator("#cell option")).to_have_count(5)
    assert page.locator("img[src=x]").count() == 0


def test_what_one_tab_corrects_the_other_shows(page, served):
    page.get_by_text("History").click()
    before = page.locator("#log li").count()
    with visiting(page.context, served[1]) as other:
        click_cell(other, 3)
        other.keyboard.press("b")
        title_is(other, "bad in 0\u20135")
        expect(page.locator("#log li")).to_have_count(before + 1)
        click_cell(page, 3)
        title_is(page, "bad in 0\u20135")
        other.keyboard.press("u")
        title_is(page, "good")
