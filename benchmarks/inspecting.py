"""Time of a correction at the 1st, 100th and 400th entry of a log, of selecting and scrubbing.

Part of `python -m benchmarks.viewer`: 394 outlined cells in 60 frames of 2048 x 2048 px.
"""

import json
import statistics
import time
from collections.abc import Callable, Iterator
from urllib.parse import parse_qs, urlsplit
from urllib.request import Request, urlopen

from playwright.sync_api import Page

N_CELLS, N_FRAMES = 394, 60
STOPS = (1, 100, 400)
REPEATS = 9
SELECT = """async (cell) => {
    const { selectCell } = await import("/static/cells.js");
    const start = performance.now();
    selectCell(cell);
    document.body.offsetHeight;
    return performance.now() - start;
}"""
SCRUB = """(frames) => new Promise((done) => {
    const { counts } = window.pyama.viewer;
    const slider = document.getElementById("frame");
    const [first, start] = [counts.shown, performance.now()];
    let next = 0;
    const look = setInterval(() => {
        const shown = counts.shown - first;
        if (shown >= frames) {
            clearInterval(look);
            done((1000 * shown) / (performance.now() - start));
        } else if (shown >= next) {
            next = shown + 1;
            slider.value = next % (Number(slider.max) + 1);
            slider.dispatchEvent(new Event("input", { bubbles: true }));
        }
    }, 2);
})"""


def print_clicks(address: str) -> None:
    """Print the time of a correction, an undo and a redo as the log grows.

    Args:
        address: Of the page, with its token.
    """
    post = _poster(address)
    actions = _actions()
    n = 0
    for stop in STOPS:
        while n < stop - 1:
            post("", next(actions))
            n += 1
        clicks = [post("", next(actions)) for _ in range(REPEATS)]
        steps = [post(step, None) for _ in range(REPEATS) for step in ("/undo", "/redo")]
        n += REPEATS
        click, step = 1000 * statistics.median(clicks), 1000 * statistics.median(steps)
        print(f"  entry {stop}: click {click:.0f} ms, undo and redo {step:.0f} ms")


def print_selecting(page: Page) -> None:
    """Print the time to select a cell, and how many full frames are shown while scrubbing."""
    cells = [1 + 41 * i % N_CELLS for i in range(20)]
    selected = statistics.median(page.evaluate(SELECT, cell) for cell in cells)
    page.locator("#level").select_option("0")
    page.wait_for_timeout(3000)
    cold = page.evaluate(SCRUB, N_FRAMES // 2)
    warm = page.evaluate(SCRUB, N_FRAMES // 2)
    print(f"  select a cell: {selected:.1f} ms")
    print(f"  scrubbing full frames: cold {cold:.0f}, warm {warm:.0f} frames/s")
    # Brighter than previews hold: full frames are reduced by the server.
    page.get_by_label("White level of Phase").fill("1000")
    page.locator("#level").select_option("1")
    page.wait_for_timeout(3000)
    cold = page.evaluate(SCRUB, N_FRAMES // 2)
    warm = page.evaluate(SCRUB, N_FRAMES // 2)
    print(f"  scrubbing reduced frames: cold {cold:.0f}, warm {warm:.0f} frames/s")


def _actions() -> Iterator[dict[str, object]]:
    """Yield marks, every eighth time a cut, and later a join of its parts."""
    for n in range(10**6):
        cell = 1 + n * 7 % N_CELLS
        if n % 8 == 5:
            yield {"kind": "cut", "cell": cell, "frame": N_FRAMES // 2, "new": 1000 + n}
        elif n % 8 == 7:
            yield {"kind": "join", "cell": 1 + (n - 2) * 7 % N_CELLS, "other": 1000 + n - 2}
        else:
            yield {"kind": "mark", "cell": cell, "good": bool(n % 2)}


def _poster(address: str) -> Callable[[str, object], float]:
    parts = urlsplit(address)
    query = parse_qs(parts.query)
    headers = {
        "Authorization": f"Bearer {query['token'][0]}",
        "Content-Type": "application/json",
    }

    def post(step: str, action: object) -> float:
        """Send a correction of the first field of view; return seconds."""
        target = f"http://{parts.netloc}/api/fovs/0/inspection{step}?dir={query['dir'][0]}"
        body = {"by": "me"} | ({} if action is None else {"action": action})
        request = Request(target, json.dumps(body).encode(), headers)
        start = time.perf_counter()
        with urlopen(request) as answer:  # noqa: S310 (ours)
            answer.read()
        return time.perf_counter() - start

    return post
