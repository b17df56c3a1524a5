"""A crowd at the door: everybody is served or refused, and nothing is changed."""

import asyncio
import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from example_counts import amount
from pyama.store import FovStore
from results import results_in
from servers import serving
from small_movie import contents

N_REQUESTS = amount(1500, 10_000)
FRAME = "/api/fovs/{fov}/frames/pc_ch_0/{frame}"
REFUSED = 0
"""The system took no more connections, or the server closed one before it was asked."""
OTHERS = [
    ("GET", "/api/fovs/0/frames/..%2f..%2fx/0", {}, 404),
    ("GET", "/api/dataset?dir=../../..", {}, 404),
    ("GET", "/static/..%2f..%2fapp.py", {}, 404),
    ("GET", "/api/dataset", {"Origin": "http://evil.example"}, 403),
    ("GET", "/api/dataset", {"Host": "evil.example"}, 403),
    ("GET", "/api/dataset", {"Authorization": "Bearer wrong"}, 401),
    ("DELETE", "/api/dataset", {}, 405),
    ("PUT", "/api/fovs/0/inspection", {}, 405),
]
"""What must not be done, and how it is refused."""


@pytest.fixture
def folder(tmp_path):
    return results_in(tmp_path)


@pytest.fixture
def served(folder):
    with serving(folder) as (server, port, token):
        yield port, token
        assert server.poll() is None


async def ask(port, token, method, target, headers):
    """Send one request on a connection of its own; return status and body."""
    sent = {"Host": f"localhost:{port}", "Authorization": f"Bearer {token}"} | headers
    lines = [f"{method} {target} HTTP/1.1", *(f"{k}: {v}" for k, v in sent.items())]
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return REFUSED, b""
    try:
        writer.write("\r\n".join([*lines, "Connection: close", "", ""]).encode())
        answer = await reader.read()
    except ConnectionError:
        answer = b""
    finally:
        writer.close()
    if not answer:  # it waited for room, or until now to send its headers
        return REFUSED, b""
    head, _, body = answer.partition(b"\r\n\r\n")
    length = int(re.search(rb"content-length: (\d+)", head)[1])
    assert len(body) == length, "an answer was cut off"
    return int(head.split()[1]), body


async def crowd(port, token, n):
    """Ask for frames and for what must not be done, all at once."""
    asked = []
    for i in range(n):
        if i % 10 == 0:
            asked.append(OTHERS[i // 10 % len(OTHERS)][:3])
        else:
            asked.append(("GET", FRAME.format(fov=i % 2, frame=i % 6), {}))
    answers = await asyncio.gather(*(ask(port, token, *what) for what in asked))
    return list(zip(asked, answers, strict=True))


def run(coroutine):
    """Run in a thread: the loop of a browser may be running in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, coroutine).result()


def many_files(n):
    """Allow as many open connections as the system lets us; return for how many."""
    try:
        import resource
    except ImportError:
        return n  # on Windows there is no such limit
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = n + 200 if most == resource.RLIM_INFINITY else min(n + 200, most)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
    return wanted - 200


def test_a_crowd_is_served_or_refused_and_changes_nothing(served, folder):
    n = many_files(N_REQUESTS)
    port, token = served
    before = contents(folder)
    stores = [FovStore(folder, fov) for fov in range(2)]
    frames = {
        FRAME.format(fov=fov, frame=frame): stores[fov].stack("pc_ch_0", "1")[frame].tobytes()
        for fov in range(2)
        for frame in range(6)
    }
    refused = {
        (method, target, *headers): status for method, target, headers, status in OTHERS
    }
    seen = Counter()
    for (method, target, headers), (status, body) in run(crowd(port, token, n)):
        seen[status] += 1
        if target in frames:
            assert status == REFUSED or (status == 200 and body == frames[target])
        else:
            assert status in (REFUSED, refused[(method, target, *headers)])
    print(f"{n} requests at once: {dict(seen)}")  # noqa: T201
    assert seen[200] > 0
    status, _ = run(ask(port, token, "GET", "/api/dataset", {}))
    assert status == 200
    assert contents(folder) == before
