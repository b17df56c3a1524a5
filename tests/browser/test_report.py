"""The report in Chromium, without a network."""

import json

import pytest

from experiments import experiment
from pyama.analysis.fitting.fit_files import fit_file
from pyama.analysis.merge import write_merged
from pyama.analysis.report import write_report
from results import results_in

sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
BAD = "<script>window.hacked=1</script><img src=x onerror='window.hacked=1'>"


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """Two samples with fits, and names that would like to be code."""
    folder = experiment(
        tmp_path_factory.mktemp("report") / "results",
        channel_names=(BAD, f"GFP {BAD}"),
        problems=(BAD,),
    )
    for paths in write_merged(folder, {"control": "0", "drug": "1-2"}).values():
        text = paths[0].read_text(encoding="utf-8")
        name = json.dumps(f"{paths[0].stem} {BAD}")
        paths[0].write_text(f"# sample: {name}\n" + text.partition("\n")[2], encoding="utf-8")
        fit_file(paths[0], starts=1)
    return write_report(folder)


class Visit:
    """A page with all that it complained about or asked for."""

    def __init__(self, browser, path, width=1280):
        self.page = browser.new_page(viewport={"width": width, "height": 900})
        self.complaints, self.requests = [], []
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(path.as_uri())

    def scroll_through(self):
        for plot in self.page.locator(".chart:visible").all():
            plot.scroll_into_view_if_needed()
            plot.locator(".main-svg").first.wait_for()

    def from_elsewhere(self, path):
        local = ("data:", "blob:", path.as_uri())
        return [url for url in self.requests if not url.startswith(local)]


@pytest.mark.parametrize("width", [1280, 390])
def test_all_figures_are_drawn_without_errors_or_requests(browser, report, width):
    visit = Visit(browser, report, width)
    visit.scroll_through()
    assert visit.complaints == []
    assert visit.from_elsewhere(report) == []
    assert visit.page.locator(".chart:visible:not(.js-plotly-plot)").count() == 0
    wider = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert visit.page.evaluate(wider) <= 0
    visit.page.close()


def test_names_are_shown_and_not_run(browser, report):
    visit = Visit(browser, report)
    visit.scroll_through()
    assert visit.page.evaluate("window.hacked") is None
    assert visit.page.locator(".notes li").first.inner_text() == BAD
    assert visit.page.locator("img[src=x]").count() == 0
    legends = visit.page.locator(".legendtext").all_text_contents()
    assert f"control_merged {BAD}" in legends
    visit.page.close()


def test_all_figures_of_all_choices_are_printed_on_light_ground(browser, report):
    visit = Visit(browser, report)
    page, charts = visit.page, visit.page.locator(".chart")
    page.emulate_media(color_scheme="dark")
    visit.scroll_through()
    ground = "(e) => getComputedStyle(e.querySelector('.main-svg')).backgroundColor"
    assert charts.first.evaluate(ground) == "rgb(29, 36, 44)"
    closed = page.locator("details:not([open])").count()
    page.emulate_media(media="print", color_scheme="dark")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator(".chart:visible:has(.main-svg)").count() == charts.count()
    assert page.locator("details:not([open])").count() == 0
    widths = page.locator(".chart .svg-container").evaluate_all(
        "all => all.map(e => e.offsetWidth)"
    )
    assert set(widths) == {676, 334}  # of the 688 px between the margins of A4
    assert charts.first.evaluate(ground) == "rgb(255, 255, 255)"
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    page.emulate_media(media="screen")
    visit.scroll_through()
    assert page.locator("details:not([open])").count() == closed
    assert page.locator("[data-choice=traces]:visible").count() == 1
    assert len(page.pdf()) > 50_000
    assert visit.complaints == []
    page.close()


def test_another_feature_and_other_axes_can_be_chosen(browser, report):
    visit = Visit(browser, report)
    page = visit.page
    chooser = page.locator("select[data-choose=traces]")
    assert page.locator("[data-choice=traces]:visible").count() == 1
    before = page.locator("[data-choice=traces]:visible").get_attribute("data-label")
    chooser.select_option(index=1)
    visit.scroll_through()
    after = page.locator("[data-choice=traces]:visible").get_attribute("data-label")
    assert (before.split(",")[0], after.split(",")[0]) == ("intensity total", "area")
    x, y = page.locator(".wide select").all()
    assert [x.input_value(), y.input_value()] == ["t0", "ktl"]
    y.select_option("delta")
    sync_api.expect(page.locator(".wide:has(select) .ytitle")).to_have_text("delta (1/h)")
    assert visit.complaints == []
    page.close()


def test_pictures_of_a_run_are_shown(browser, tmp_path):
    report = write_report(results_in(tmp_path))
    visit = Visit(browser, report)
    visit.scroll_through()
    pictures = visit.page.locator("figure img")
    assert pictures.count() == 6
    pictures.first.scroll_into_view_if_needed()
    visit.page.wait_for_function("document.querySelector('figure img').naturalWidth > 0")
    assert visit.complaints == []
    assert visit.from_elsewhere(report) == []
    visit.page.close()
