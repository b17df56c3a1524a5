"""The server is killed and started again: nothing is lost, and the page goes on by itself."""

import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from pyama.testing.nd2_writer import write_nd2
from pyama.traces.inspection import Inspection
from results import results_in
from small_movie import MOVIE
from viewer_page import click_cell, expect, inspected, serious, shoot, title_is, visiting

PAUSED = Path(__file__).with_name("paused_feature.py")
AWAY = ("ERR_", "401", "404")
"""What the console says of a server that is away, and of a run that is gone."""


class Server:
    """The server of a root, killed and started again on the same port."""

    def __init__(self, root):
        self.root = root
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.environment = os.environ | {"XDG_STATE_HOME": str(root / "state")}
        self.start()

    def start(self):
        command = [sys.executable, "-m", "pyama", "view", "results", "--root", "."]
        command += ["--no-browser", "--port", str(self.port), "--plugins", str(PAUSED)]
        self.process = subprocess.Popen(
            command, cwd=self.root, stdout=subprocess.PIPE, text=True, env=self.environment
        )
        self.address = self.process.stdout.readline().removeprefix("Open ").strip()

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


@pytest.fixture
def server(tmp_path):
    results_in(tmp_path)
    started = Server(tmp_path)
    yield started
    started.kill()


def notice(page, text):
    expect(page.locator("#connection")).to_contain_text(text)


def actions(root):
    lines = Inspection(root / "results", 0).log.read_text().splitlines()
    return [record for record in map(json.loads, lines) if "id" in record]


@pytest.mark.skipif(os.name == "nt", reason="tokens are kept in another folder on Windows")
def test_clicks_without_a_server_are_kept_and_sent(browser, server):
    context = browser.new_context(viewport={"width": 1366, "height": 768})
    with visiting(context, server.address, AWAY) as page:
        page.locator("#ids").check()
        click_cell(page, 2)
        page.keyboard.press("b")
        title_is(page, "bad")
        server.kill()
        notice(page, "No connection to the server")
        click_cell(page, 3)
        title_is(page, "Cell 3")
        page.keyboard.press("b")
        page.keyboard.press("ArrowDown")
        title_is(page, "Cell 4")
        page.keyboard.press("b")
        page.keyboard.press("u")
        notice(page, "3 changes are kept")
        page.locator("#delete").click()
        expect(page.locator("#proposal-text")).to_contain_text("its effect is not shown")
        page.keyboard.press("Enter")
        notice(page, "FOV 0: delete 4")
        shoot(page, "lost-1366")
        page.keyboard.press("ArrowRight")
        Inspection(server.root / "results", 0).add(another_mark(), "somebody else")
        server.start()
        notice(page, "Connected again. 4 changes are saved.")
        notice(page, "Somebody else has changed the same cell meanwhile (cell 3 good)")
        expect(page.locator("#cell option")).to_have_count(4)
        shoot(page, "back-1366")
        expect(page.locator("#saved")).to_have_text("4 changes saved")
        assert len(actions(server.root)) == 6
        assert len({record["id"] for record in actions(server.root)}) == 6
        page.wait_for_url("**frame=1**")
        page.reload()
        expect(page.locator("#cell option")).to_have_count(4)
        expect(page.locator("#time")).to_contain_text("frame 1 of 5")
        expect(page.locator("#ids")).to_be_checked()
        assert len(actions(server.root)) == 6
    table = inspected(server.root)
    assert set(table["cell"]) == {1, 2, 3}
    assert set(table.loc[~table["good"], "cell"]) == {2, 3}


def another_mark():
    from pyama.traces.corrections import MarkCell

    return MarkCell(cell=3, good=True)


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="processes cannot be stopped")
def test_a_server_that_says_nothing_is_noticed(browser, server):
    with visiting(browser.new_context(), server.address, AWAY) as page:
        click_cell(page, 2)
        title_is(page, "good")
        server.process.send_signal(signal.SIGSTOP)
        notice(page, "No connection to the server")
        page.keyboard.press("b")
        notice(page, "1 change is kept")
        title_is(page, "bad in 0\u20135 (not saved yet)")
        expect(page.locator("#log")).to_have_text("cell 2 bad \u2013 not saved yet")
        expect(page.locator("#cell option").nth(2)).to_have_text("2 (bad)")
        page.keyboard.press("u")
        title_is(page, "good")
        page.keyboard.press("r")
        title_is(page, "bad in 0\u20135 (not saved yet)")
        server.process.send_signal(signal.SIGCONT)
        notice(page, "3 changes are saved")
        expect(page.locator("#log")).to_have_text("cell 2 bad")
        title_is(page, "bad in 0\u20135")
        expect(page.locator("#cell-title")).not_to_contain_text("not saved")
    assert len(actions(server.root)) == 3


MERGE = """body => fetch("/api/merge?dir=results", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
}).then(({ status }) => status)"""


def test_samples_survive_a_reload_and_tables_of_others_appear(browser, server):
    with visiting(browser.new_context(), server.address, AWAY) as page:
        page.locator("#tab-analysis").click()
        page.locator("#sample-add").click()
        page.get_by_label("Name of the sample").last.fill("drug")
        page.get_by_label("FOVs of the sample").last.fill("1")
        page.wait_for_url("**view=analysis**")
        page.reload()
        expect(page.get_by_label("Name of the sample").last).to_have_value("drug")
        expect(page.get_by_label("FOVs of the sample").last).to_have_value("1")
        with visiting(page.context, server.address + "&view=analysis") as other:
            other.locator("#samples-propose").click()
            expect(other.get_by_label("Name of the sample").last).not_to_have_value("drug")
            assert page.evaluate(MERGE, {"samples": {"control": "0"}}) == 200
            expect(page.locator("#tables")).to_contain_text("control_merged.csv")
            meanwhile = "Other samples were merged meanwhile: control (FOV 0)"
            expect(page.locator("#samples-origin")).to_contain_text(meanwhile)
            expect(page.get_by_label("Name of the sample").last).to_have_value("drug")
        page.reload()
        expect(page.get_by_label("Name of the sample").last).to_have_value("drug")
        page.evaluate("() => [localStorage, sessionStorage].forEach((kept) => kept.clear())")
        page.reload()
        expect(page.get_by_label("Name of the sample")).to_have_value("control")
        assert page.evaluate(MERGE, {"samples": {"two": "1"}}) == 200
        expect(page.get_by_label("Name of the sample")).to_have_value("two")
        expect(page.locator("#samples-origin")).to_contain_text("samples of the last merge")
        (server.root / "plan.yaml").write_text(
            "recordings: [{name: a, folder: results}]\n"
            "samples: [{name: first, fovs: [0]}, {name: second, fovs: [1]}]"
        )
        page.reload()
        page.get_by_text("plan.yaml").click()
        page.get_by_role("button", name="Merge the experiment").click()
        expect(page.locator("#tables")).to_contain_text("first_merged.csv")
        expect(page.locator("#samples-origin")).to_have_count(0)
        page.locator("#fit-model").select_option("constant")
        page.get_by_role("button", name="Fit all samples").click()
        expect(page.locator("#summary")).to_contain_text("second")
        page.wait_for_url("**experiment=plan.yaml**")
        page.reload()
        expect(page.locator("#summary")).to_contain_text("second")
        page.get_by_role("button", name="Compare", exact=True).click()
        expect(page.locator("#comparison")).to_contain_text("second \N{MINUS SIGN} first")
        expect(page.locator("#comparison")).to_contain_text("too few: first (1), second (1)")
        shoot(page, "12 experiment")
        assert serious(page) == []
        page.get_by_role("button", name="Close the experiment").click()
        expect(page.locator("#tables")).to_contain_text("two_merged.csv")
        page.goto(f"{server.address}&view=analysis&experiment=gone.yaml")
        expect(page.locator("#status")).to_contain_text("There is no such file")
        expect(page.locator("#tables")).to_contain_text("two_merged.csv")


@contextmanager
def terminal_run(root):
    command = [sys.executable, "-m", "pyama", "run", "long.nd2", "--output", "out"]
    command += ["--pc", "0", "--fl", "1", "--fl-features", "intensity_total,paused"]
    command += ["--plugins", str(PAUSED)]
    for setting in ("min_frames=3", "border_margin=2", "n_workers=1"):
        command += ["--set", setting]
    with subprocess.Popen(command, cwd=root, stderr=subprocess.DEVNULL) as run:
        try:
            yield run
        finally:
            run.kill()


def row_of(page, output):
    button = page.get_by_label(f"Show the run in {output}", exact=True)
    return page.locator("#known-runs tr").filter(has=button)


@pytest.mark.skipif(os.name == "nt", reason="processes cannot be looked up")
def test_a_run_of_a_terminal_is_watched_and_resumed(browser, server):
    root = server.root
    movie = np.concatenate([MOVIE[:2, :, None]])
    write_nd2(root / "long.nd2", movie, channel_names=["Phase", "GFP"])
    (root / "paused").touch()
    context = browser.new_context(viewport={"width": 1366, "height": 768})
    status, resume = "#run-status", "#run-resume"
    with visiting(context, server.address, AWAY) as page:
        page.locator("#tab-run").click()
        expect(row_of(page, "results")).to_contain_text("finished")
        with terminal_run(root) as run:
            expect(row_of(page, "out")).to_contain_text(f"running: process {run.pid}")
            row_of(page, "out").locator("button").click()
            expect(page.locator("#run-fov-list")).to_contain_text("extraction")
            expect(page.locator(status)).to_contain_text("the time left is not known")
            expect(page.locator("#run-cancel")).to_be_disabled()
            assert serious(page) == []
            shoot(page, "watched-1366")
        expect(page.locator(status)).to_contain_text("Interrupted. Killed: process")
        server.kill()
        server.start()
        notice(page, "Connected again")
        page.wait_for_url("**view=run**")
        page.reload()
        expect(row_of(page, "out")).to_contain_text("interrupted")
        row_of(page, "out").locator("button").click()
        expect(page.locator("#run-command")).to_contain_text("min_frames=3")
        shoot(page, "interrupted-1366")
        page.locator(resume).click()
        expect(page.locator(status)).to_contain_text("Running")
        server.kill()
        server.start()
        expect(page.locator(status)).to_contain_text("Interrupted")
        (root / "paused").unlink()
        page.locator(resume).click()
        expect(page.locator(status)).to_contain_text("Finished")
        expect(row_of(page, "out")).to_contain_text("finished")
        page.set_viewport_size({"width": 390, "height": 844})
        page.locator("#known-runs").scroll_into_view_if_needed()
        shoot(page, "runs-390")
        assert serious(page) == []
