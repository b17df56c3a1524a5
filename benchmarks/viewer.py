"""Frames per second of the viewer in headless Chromium, and how long its user waits.

Run with `python -m benchmarks.viewer`. Sixty previews of 1024 x 1024 px with 150 outlined
cells, in a folder of a hundred fields of view, then the same with frames of 1024 x 1024 px;
cold is the first pass, warm the second. The time of the server's processor is per frame of the
cold pass, with everything that it was asked for. Then corrections, selecting and scrubbing are
measured, see `benchmarks.inspecting`. Arguments choose parts: `playing`, `inspecting`.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks import inspecting
from pyama.config import Channels, ProcessingConfig
from pyama.processing.record import write_record
from pyama.readers.array import ArrayReader
from pyama.store import FovStore, PreviewOutput, Recipe, StackOutput, TableOutput
from pyama.traces.trace_rows import header, traces_columns

N_FRAMES, N_CELLS, N_FOVS = 60, 150, 100
SIZES = (2048, 1024)
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]


def draw(folder: Path, size: int, n_cells: int = N_CELLS) -> None:
    """Write a hundred fields of view, the first of them with images of `size` px.

    Args:
        folder: Where they are written.
        size: Side of the images in px.
        n_cells: Number of cells in the first field of view.
    """
    pixels = np.broadcast_to(np.zeros((), np.uint16), (N_FOVS, N_FRAMES, 1, size, size))
    metadata = ArrayReader(pixels, ["Phase"], basename="movie", pixel_size_um=0.65).metadata
    write_record(folder, metadata, ProcessingConfig(channels=Channels(pc=0)))
    rng = np.random.default_rng(1)
    side = int(np.ceil(np.sqrt(n_cells)))
    pitch = size // side
    y, x = np.mgrid[:size, :size]
    row, column = y // pitch, x // pitch
    number = np.where((row < side) & (column < side), row * side + column + 1, 0)
    number[number > n_cells] = 0
    dy, dx = y % pitch - pitch / 2, x % pitch - pitch / 2
    distance, angle = np.hypot(dy, dx), np.arctan2(dy, dx)
    texture = rng.integers(60, 180, (size // 2, size // 2), np.uint8)
    recipe = Recipe("benchmark", 1)
    store = FovStore(folder, 0)
    previews = PreviewOutput(
        store.path,
        "pc_ch_0",
        (N_FRAMES, size // 2, size // 2),
        {"pyama": {"low": 0, "high": 9}},
    )
    labels = StackOutput(store.path, "seg_tracked_ch_0", (N_FRAMES, size, size), "uint16")
    with previews.writing(recipe, {}) as preview, labels.writing(recipe, {}) as label:
        for t in range(N_FRAMES):
            preview(np.roll(texture, t, axis=1))
            radius = pitch * 0.36 + 8 * np.sin(5 * angle + t)
            label(np.where(distance < radius, number, 0).astype(np.uint16))
    frames = StackOutput(store.path, "pc_ch_0", (N_FRAMES, size, size), "uint16")
    with frames.writing(recipe, {"low": 60, "high": 180}) as write_frame:  # as a run notes
        for t in range(N_FRAMES):
            large = np.roll(texture, t, axis=1).repeat(2, axis=0).repeat(2, axis=1)
            write_frame(large.astype(np.uint16))
    rows = "".join(
        f"0,{cell},{t},True,1.0,1.0,0,0,2,2,{cell + t}\n"
        for cell in range(1, n_cells + 1)
        for t in range(N_FRAMES)
    )
    for fov in range(N_FOVS):
        table = TableOutput(FovStore(folder, fov).path, f"movie_fov_{fov:03d}_traces.csv")
        with table.writing(recipe, {"traces": n_cells}) as write:
            write(header(traces_columns((0, ["area"]), {})))
            write(rows if fov == 0 else "")


@contextmanager
def served(folder: Path) -> Iterator[tuple[str, int]]:
    """Start the server; return its address and its process."""
    command = [sys.executable, "-m", "pyama", "view", str(folder), "--no-browser"]
    with subprocess.Popen(  # noqa: S603 (our own command)
        command, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        try:
            yield server.stdout.readline().removeprefix("Open ").strip(), server.pid
        finally:
            server.terminate()


def played(page: Page) -> float:
    """Play one round; return frames per second."""
    page.locator("#frame").fill("0")
    page.wait_for_timeout(200)
    script = """() => new Promise((done) => {
        const { counts } = window.pyama.viewer;
        const play = document.getElementById("play");
        document.getElementById("speed").value = "1000";
        const [first, start] = [counts.shown, performance.now()];
        play.click();
        const look = setInterval(() => {
            const n = counts.shown - first;
            if (n < 58) return;
            clearInterval(look);
            play.click();
            done((1000 * n) / (performance.now() - start));
        }, 5);
    })"""
    return float(page.evaluate(script))


def measure(browser: Browser, folder: Path, size: int) -> None:
    """Print the speed of a first and a second visit."""
    draw(folder, size)
    with served(folder) as (address, server):
        for visit in ("first", "second"):
            page = browser.new_page(viewport={"width": 1440, "height": 860})
            start = time.perf_counter()
            page.goto(address)
            while not page.evaluate("window.pyama?.viewer.counts.firstPicture"):
                time.sleep(0.005)
            waited = time.perf_counter() - start
            page.locator("#log").wait_for(state="attached")
            page.wait_for_timeout(1500)
            before = processor_s(server)
            cold = played(page)
            spent_ms = 1000 * (processor_s(server) - before) / N_FRAMES
            print(f"{size} px, {visit} visit: first picture of {N_FOVS} FOVs: {waited:.2f} s")
            print(f"  cold {cold:.0f} frames/s, warm {played(page):.0f} frames/s")
            print(f"  server: {spent_ms:.0f} ms of the processor per cold frame")
            page.close()


def processor_s(server: int) -> float:
    """Return the CPU time of a process in seconds; NaN if it is unknown."""
    try:
        fields = Path(f"/proc/{server}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return float("nan")
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure_inspecting(browser: Browser, folder: Path) -> None:
    """Print the time of corrections, and of selecting and scrubbing."""
    draw(folder, SIZES[0], inspecting.N_CELLS)
    with served(folder) as (address, _):
        print(f"{inspecting.N_CELLS} cells, {SIZES[0]} px:")
        page = browser.new_page(viewport={"width": 1440, "height": 860})
        page.goto(address)
        while not page.evaluate("Boolean(window.pyama?.state.traces)"):
            time.sleep(0.1)
        inspecting.print_selecting(page)
        page.close()
        inspecting.print_clicks(address)


def main() -> None:
    """Print the measurements."""
    parts = sys.argv[1:] or ["playing", "inspecting"]
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        for size in SIZES if "playing" in parts else ():
            with tempfile.TemporaryDirectory() as folder:
                measure(browser, Path(folder), size)
        if "inspecting" in parts:
            with tempfile.TemporaryDirectory() as folder:
                measure_inspecting(browser, Path(folder))
        browser.close()


if __name__ == "__main__":
    main()
