"""A contrast that was chosen is kept, in counts."""

from results import results_in
from viewer_page import expect, serving, visiting


def test_a_contrast_is_kept_for_all_fields_of_view_and_levels_and_over_reloads(
    browser, tmp_path
):
    results_in(tmp_path)
    with serving(tmp_path) as address, visiting(browser.new_context(), address) as page:
        counts = page.locator("#contrast output")
        whole = counts.inner_text()
        reset = page.get_by_role("button", name="Whole data set")
        expect(reset).to_be_disabled()
        page.get_by_label("Black level of Phase").fill("400")
        chosen = counts.inner_text()
        assert chosen != whole
        assert chosen.split("\u2013")[1] == whole.split("\u2013")[1]  # white stays
        page.locator("#fov-1").click()
        expect(page.locator("#fov-1")).to_have_attribute("aria-current", "true")
        expect(counts).to_have_text(chosen)
        page.locator("#level").select_option("0")
        expect(counts).to_have_text(chosen)
        page.reload()
        expect(counts).to_have_text(chosen)
        page.locator("#fov-0").click()
        reset.click()
        expect(counts).to_have_text(whole)
        page.reload()
        expect(counts).to_have_text(whole)
        expect(reset).to_be_disabled()
