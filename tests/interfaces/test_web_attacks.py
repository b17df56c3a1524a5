"""Requests that want to block the page, or to reach what they may not, over real sockets."""

import asyncio
import json
import os
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
import uvicorn
from fastapi.testclient import TestClient
from uvicorn.server import ServerState

from pyama.analysis.report.html_page import REPORT
from pyama.web import connections, event_streams, request_bodies
from pyama.web.application import create_app
from pyama.web.connections import HeaderLimits
from pyama.web.security import MAX_AT_ONCE
from results import results_in
from servers import serving
from small_movie import contents

PATIENCE_S = 60
MANY = MAX_AT_ONCE + 6
CLICK = {"by": "me", "action": {"kind": "mark", "cell": 1, "good": False}}
INSPECTION = "/api/fovs/0/inspection"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = results_in(tmp_path_factory.mktemp("attacked"))
    (folder / REPORT).write_bytes(b" " * 30_000_000)
    return folder


@pytest.fixture(scope="module")
def server(folder):
    with serving(folder) as (process, port, token):
        yield Attacked(port, token)
        assert process.poll() is None


class Attacked:
    """A server, and raw connections to it."""

    def __init__(self, port, token):
        self.port, self.token = port, token

    def send(self, stack, method, target, *headers, body=b"", host=None):
        """Open a connection and send something; it stays open as long as the stack."""
        lines = [
            f"{method} {target} HTTP/1.1",
            *([f"Host: localhost:{self.port}"] if host is None else host),
            f"Authorization: Bearer {self.token}",
            *headers,
        ]
        place = ("127.0.0.1", self.port)
        connection = stack.enter_context(socket.create_connection(place, PATIENCE_S))
        connection.sendall("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
        return connection

    def status(self, *what, **more):
        with ExitStack() as stack:
            return status_of(self.send(stack, *what, "Connection: close", **more))

    def is_answered(self):
        return self.status("GET", "/api/dataset") == 200


def status_of(connection):
    line = b""
    while not line.endswith(b"\r\n"):
        byte = connection.recv(1)
        assert byte, "the connection was closed without an answer"
        line += byte
    return int(line.split()[1])


JSON = "Content-Type: application/json"
SLOW = {
    "length": (["Content-Length: 90", JSON], b"{"),
    "chunks": (["Transfer-Encoding: chunked", JSON], b"1\r\n{\r\n"),
    "nothing": (["Content-Length: 90", JSON], b""),
}


@pytest.mark.parametrize("how", SLOW)
def test_bodies_that_do_not_come_block_nobody(server, how):
    headers, body = SLOW[how]
    with ExitStack() as stack:
        for _ in range(MANY):
            server.send(stack, "POST", INSPECTION, *headers, body=body)
        assert server.is_answered()


def test_answers_that_nobody_reads_block_nobody(server):
    with ExitStack() as stack:
        for _ in range(MANY):
            server.send(stack, "GET", "/api/report")
        assert server.is_answered()


def test_headers_that_do_not_come_block_nobody(server):
    with ExitStack() as stack:
        for _ in range(MANY):
            place = ("127.0.0.1", server.port)
            connection = stack.enter_context(socket.create_connection(place, PATIENCE_S))
            connection.sendall(b"GET / HTTP/1.1\r\nX-Slow: ")
        assert server.is_answered()


def test_connections_whose_headers_do_not_come_make_room(server):
    """At most `MAX_WAITING`, but for those that a crowd has just opened."""

    def send(stack, first):
        place = ("127.0.0.1", server.port)
        connection = stack.enter_context(socket.create_connection(place, PATIENCE_S))
        connection.sendall(first)
        return connection

    with ExitStack() as stack:
        head = f"GET / HTTP/1.1\r\nHost: localhost\r\nX-Token: {server.token}\r\n\r\n"
        kept = send(stack, head.encode())  # an answered one, of which another request begins
        assert status_of(kept) == 401
        kept.sendall(b"GET / HT")
        slow = [send(stack, b"GET / HTTP/1.1\r\n") for _ in range(connections.MAX_WAITING)]
        time.sleep(connections.GRACE_SECONDS)
        for _ in range(2):
            send(stack, b"GET / HTTP/1.1\r\n")
        assert is_closed(slow[0])
        assert is_closed(kept)
        assert server.is_answered()


def is_closed(connection):
    """Whether the server closes a connection; what it has sent before is read."""
    try:
        while connection.recv(65536):
            pass
    except ConnectionError:
        pass
    return True


def test_headers_that_do_not_come_close_the_connection_after_a_time(monkeypatch):
    monkeypatch.setattr(connections, "MAX_SECONDS", 0.01)

    async def closed():
        config = uvicorn.Config(lambda scope, receive, send: None, http=HeaderLimits)
        config.load()
        state = ServerState()
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: HeaderLimits(config, state, {}), "127.0.0.1", 0
        )
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(b"GET / HTTP/1.1\r\nX-Slow: ")
        async with asyncio.timeout(PATIENCE_S):
            try:
                return await reader.read() == b""
            except ConnectionError:
                return True
            finally:
                writer.close()
                server.close()

    with ThreadPoolExecutor(1) as thread:
        assert thread.submit(asyncio.run, closed()).result()
    assert not HeaderLimits.waiting


def test_a_body_that_does_not_come_is_refused_after_a_time(monkeypatch):
    monkeypatch.setattr(request_bodies, "MAX_SECONDS", 0.01)

    async def receive():
        await asyncio.sleep(PATIENCE_S)

    with ThreadPoolExecutor(1) as thread:  # that of the test may have a loop of its own
        read = request_bodies.read_body({"type": "http", "headers": []}, receive)
        error = thread.submit(asyncio.run, read).exception()
    assert isinstance(error, request_bodies.BodyRefusedError)
    assert ("must arrive within" in str(error), error.status) == (True, 408)


def test_large_bodies_are_refused_before_they_are_read(server, folder):
    before = contents(folder)
    with ExitStack() as stack:
        large = f"Content-Length: {2**40}"
        assert status_of(server.send(stack, "POST", INSPECTION, large, JSON)) == 413
        chunk = b"100000\r\n" + b" " * 0x100000 + b"\r\n"
        chunked = server.send(
            stack, "POST", INSPECTION, "Transfer-Encoding: chunked", JSON, body=2 * chunk
        )
        assert status_of(chunked) == 413
    assert contents(folder) == before


HOSTS = [
    (["Host: user@localhost"], 403),
    (["Host: user:secret@127.0.0.1"], 403),
    (["Host: localhost@evil.example"], 403),
    (["Host: evil.example#localhost"], 403),
    (["Host: localhost/evil.example"], 403),
    (["Host: localhost evil.example"], 403),
    (["Host: localhost:80:80"], 403),
    (["Host: localhost:port"], 403),
    (["Host: 127.1"], 403),
    (["Host: [::1"], 403),
    (["Host: "], 403),
    (["Host: LOCALHOST"], 200),
    (["Host: [::1]:8000"], 200),
]


@pytest.mark.parametrize(("host", "status"), HOSTS, ids=[str(host) for host, _ in HOSTS])
def test_only_a_plain_name_of_the_server_is_a_host(server, host, status):
    assert server.status("GET", "/api/dataset", host=host) == status


def test_one_host_is_named_and_no_other_in_the_target(server):
    two = [f"Host: localhost:{server.port}", "Host: evil.example"]
    assert server.status("GET", "/api/dataset", host=two) in (400, 403)
    assert server.status("GET", "/api/dataset", host=[]) in (400, 403)
    target = "http://evil.example/api/dataset"
    assert server.status("GET", target, host=["Host: evil.example"]) == 403


PATHS = [
    "/static/%2e%2e/security.py",
    "/static/..%2fsecurity.py",
    "/static/%252e%252e/security.py",
    "/static/..%5csecurity.py",
    "/static//etc/passwd",
    "/static/%00",
    "/../../etc/passwd",
    "//etc/passwd",
    "/api/fovs/0/frames/..%2f..%2f..%2fetc/0",
    "/api/fovs/%2e%2e/tracks",
    "/api/fovs/0/traces/..%2farea",
    "/api/dataset?dir=%2e%2e%2f%2e%2e",
    "/api/dataset?dir=..%5c..",
    "/api/dataset?dir=/etc",
    "/api/dataset?dir=.%00",
    "/api/files?dir=fov_000/../../..",
    "/api/recording?file=../../../../../../etc/passwd",
    "/api/recording?file=%2fetc%2fpasswd",
    "/api/merged?table=..%2f..%2fetc%2fpasswd.csv",
    "/api/results/file?name=..%2f..%2fetc%2fpasswd",
    "/api/results/zip?dir=..%2f..",
    "/api/fits?table=fov_000%2fmovie_fov_000_traces.csv",
]


@pytest.mark.parametrize("path", PATHS)
def test_no_encoded_name_leads_out(server, path):
    assert server.status("GET", path) in (400, 404, 422)


NOISE = [
    b"\x16\x03\x01\x02\x00\x01",
    b"GET\r\n\r\n",
    b"\0" * 4096,
    b"GET / HTTP/9.9\r\n\r\n",
    b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
    b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 20_000,
    b"GET /" + b"x" * 200_000,
]


@pytest.mark.parametrize("noise", NOISE, ids=range(len(NOISE)))
def test_noise_ends_its_own_connection_only(server, noise):
    with socket.create_connection(("127.0.0.1", server.port), PATIENCE_S) as connection:
        try:
            connection.sendall(noise)
            connection.shutdown(socket.SHUT_WR)
            answer = connection.recv(4096)
        except OSError:
            answer = b""
    assert answer[:10] in (b"", b"HTTP/1.1 4")
    assert server.is_answered()


def test_only_so_many_streams_are_open_and_they_make_room(server):
    def events(stack):
        return status_of(server.send(stack, "GET", "/api/fovs/0/events"))

    with ExitStack() as stack:
        opened = [events(stack) for _ in range(event_streams.MAX_OPEN)]
        assert set(opened) == {200}
        assert events(stack) == 503
        assert server.is_answered()
    last = time.monotonic() + PATIENCE_S
    answers = {503}
    while 200 not in answers and time.monotonic() < last:  # until the server has noticed
        with ExitStack() as stack:
            answers.add(events(stack))
    assert 200 in answers


def test_a_second_tab_hears_of_a_correction(server):
    with ExitStack() as stack:
        events = server.send(stack, "GET", "/api/fovs/1/events").makefile("rb")
        first = next(line for line in events if line.startswith(b"data:"))
        body = json.dumps(CLICK).encode()
        length = f"Content-Length: {len(body)}"
        address = "/api/fovs/1/inspection"
        assert server.status("POST", address, JSON, length, body=body) == 200
        second = next(line for line in events if line.startswith(b"data:"))
    assert first != second


def test_a_second_tab_hears_of_corrections_tables_and_runs(server, folder):
    def heard(events, subject):
        for line in events:
            event = json.loads(line[5:]) if line.startswith(b"data:") else {}
            if subject in event:
                return event
        return None

    with ExitStack() as stack:
        address = "/api/events?dir=.&fov=1&runs=true"
        events = server.send(stack, "GET", address).makefile("rb")
        assert set(heard(events, "files")) == {"cells", "files", "runs"}
        body = json.dumps(CLICK | {"by": "you"}).encode()
        length = f"Content-Length: {len(body)}"
        assert server.status("POST", "/api/fovs/1/inspection", JSON, length, body=body) == 200
        assert heard(events, "cells")
        (folder / "sample_merged.csv").write_text("fov,cell,frame,good\n")
        assert heard(events, "files")
        (folder / "sample_merged.csv").write_text("fov,cell,frame,good\n0,1,0,True\n")
        assert heard(events, "files")  # the same name, written again
        (folder / "fov_000/.lock").write_text("{}")
        assert heard(events, "runs")
    (folder / "sample_merged.csv").unlink()
    (folder / "fov_000/.lock").write_text("")


@pytest.fixture(scope="module")
def untouched(tmp_path_factory):
    """A folder that no request here may change."""
    return results_in(tmp_path_factory.mktemp("untouched"))


@pytest.fixture
def client(untouched):
    headers = {"Authorization": "Bearer secret"}
    app = create_app(untouched.parent, "secret")
    return TestClient(app, base_url="http://localhost", headers=headers)


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("[" * 100_000, 400),
        ('{"a":' * 60 + "1" + "}" * 60, 400),
        ('{"a":' * 600 + "1", 400),
        ('"' + '\\"' * 100_000, 400),
        ('{"by":"\\ud800","action":{"kind":"delete","cell":1}}', 422),
        ('{"by":"me","action":{"kind":"delete","cell":' + "1" * 5000 + "}}", 400),
        ('{"by":"me","action":{"kind":"delete","cell":NaN}}', 422),
        ('{"by":"[[[{","action":{"kind":"delete","cell":99}}', 422),
        ("\xff", 400),
    ],
    ids=range(9),
)
def test_no_body_breaks_the_server(client, untouched, text, status):
    before = contents(untouched)
    answer = client.post(
        f"{INSPECTION}?dir=results",
        content=text.encode("latin-1"),
        headers={"Content-Type": "application/json"},
    )
    assert answer.status_code in (status, 422)
    assert contents(untouched) == before


@pytest.mark.parametrize(
    "media", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""]
)
def test_what_a_form_of_another_page_can_send_is_refused(client, untouched, media):
    before = contents(untouched)
    content, headers = json.dumps(CLICK), {"Content-Type": media}
    answer = client.post(f"{INSPECTION}?dir=results", content=content, headers=headers)
    assert answer.status_code == 415
    assert contents(untouched) == before


SITES = [
    ({"Sec-Fetch-Site": "same-origin"}, 200),
    ({"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate"}, 200),
    ({"Sec-Fetch-Site": "cross-site"}, 403),
    ({"Sec-Fetch-Site": "same-site"}, 403),
    ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}, 403),
    ({"Origin": "http://user@localhost"}, 403),
    ({"Origin": "http://localhost:8001", "Sec-Fetch-Site": "same-site"}, 403),
]


@pytest.mark.parametrize(("headers", "status"), SITES)
def test_pages_of_other_sites_and_ports_may_not_even_read(client, headers, status):
    answer = client.get("/api/dataset?dir=results", headers=headers)
    assert answer.status_code == status


def test_a_link_in_a_mail_opens_the_page(client):
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert client.get("/", headers=headers).status_code == 200
    assert client.get("/", headers=headers | {"Origin": "null"}).status_code == 403


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("movie.nd2", "/api/recording?file=movie.nd2"),
        ("movie.tif", "/api/recording?file=movie.tif"),
        ("results/fov_001/movie_fov_001_traces.csv", "/api/fovs/1/tracks?dir=results"),
        ("results/fov_001/movie_fov_001_traces.csv", "/api/report?dir=results"),
        ("results/run.json", "/api/dataset?dir=results"),
        (
            "results/fov_001/movie_fov_001_traces_inspection.jsonl",
            "/api/fovs/1/tracks?dir=results",
        ),
    ],
)
def test_a_pipe_in_place_of_a_file_does_not_hold_a_request(tmp_path, name, address):
    results_in(tmp_path)
    (tmp_path / name).unlink(missing_ok=True)
    os.mkfifo(tmp_path / name)
    headers = {"Authorization": "Bearer secret"}
    app = create_app(tmp_path, "secret")
    client = TestClient(app, base_url="http://localhost", headers=headers)
    method = "POST" if "report" in address else "GET"
    answer = client.request(method, address)
    assert answer.status_code in (200, 404)
    assert answer.status_code == 200 or "is not a file" in answer.text


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_a_table_that_names_a_folder_outside_does_not_lead_there(tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    results = results_in(root)
    elsewhere = results_in(tmp_path)
    header = {"source": {"folder": "../../results", "files": {"fov_000/x_traces.csv": "0"}}}
    text = "".join(f"# {json.dumps({key: value})}\n" for key, value in header.items())
    (results / "s_merged.csv").write_text(f"{text}fov,cell,frame,good\n0,1,0,True\n")
    before = contents(elsewhere)
    headers = {"Authorization": "Bearer secret"}
    app = create_app(root, "secret")
    client = TestClient(app, base_url="http://localhost", headers=headers)
    answer = client.get("/api/tables?dir=results")
    assert answer.status_code == 200
    assert "older than the traces" not in answer.text
    assert contents(elsewhere) == before
