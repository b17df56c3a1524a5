"""`pyama view`: what it refuses before it serves, and that it ends when asked."""

import re
import shutil
import signal
import socket
import subprocess
import sys
from urllib.parse import urlsplit

import httpx2
import pytest

from pyama.cli.server import serve
from results import made_once


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["nowhere"], "nowhere is not a folder"),
        (["--root", "nowhere"], "is not a folder"),
        (["..", "--root", "."], "does not lie below --root"),
        (["--host", "lab-server"], "add --allow-remote"),
        (["--port", "99999"], "--port"),
    ],
)
def test_wrong_usage_is_told(pyama, tmp_path, monkeypatch, arguments, told):
    monkeypatch.chdir(tmp_path)
    done = pyama("view", *arguments, "--no-browser")
    assert done.exit_code == 2
    assert told in " ".join(done.stderr.split())


def test_without_its_libraries_it_says_what_to_install(pyama, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    done = pyama("view", tmp_path, "--no-browser")
    assert done.exit_code == 2
    assert "pip install 'pyama-traces[web]'" in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent")
def test_it_serves_until_it_is_stopped():
    command = [sys.executable, "-m", "pyama", "view", str(made_once()), "--no-browser"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        address = server.stdout.readline().removeprefix("Open ").strip()
        assert re.fullmatch(r"http://localhost:\d+/\?token=[\w-]{20,}&dir=\.", address)
        token = re.search(r"token=([\w-]+)", address)[1]
        there = address.split("?")[0] + "api/dataset"
        bearer = {"Authorization": f"Bearer {token}"}
        assert httpx2.get(there, headers=bearer).json()["recording"] == "movie"
        assert httpx2.get(there).status_code == 401
        server.send_signal(signal.SIGINT)
        assert server.wait(30) == 0


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent")
def test_of_a_folder_of_results_it_ends_although_a_page_still_asks(tmp_path):
    shutil.copytree(made_once(), tmp_path / "results")
    command = [sys.executable, "-m", "pyama", "view", str(tmp_path), "--no-browser"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, **pipes, text=True) as server:
        address = server.stdout.readline().removeprefix("Open ").strip()
        token = re.search(r"token=([\w-]+)", address)[1]
        assert "dir=" not in address  # the page opens what is below
        place = urlsplit(address)
        lines = (
            "POST /api/merge HTTP/1.1",
            f"Host: {place.netloc}",
            f"Authorization: Bearer {token}",
            "Content-Type: application/json",
            "Content-Length: 1000",
            "",
            "{",
        )
        with socket.create_connection((place.hostname, place.port), timeout=60) as asking:
            asking.sendall("\r\n".join(lines).encode())
            there = f"http://{place.netloc}/api/dataset?dir=results"
            assert httpx2.get(there, headers={"Authorization": f"Bearer {token}"}).is_success
            server.send_signal(signal.SIGINT)
            assert server.wait(60) == 0
        assert server.stderr.read() == "Ctrl-C stops the server.\n"


def test_answers_are_sent_at_once(tmp_path, monkeypatch):
    uvicorn = pytest.importorskip("uvicorn")
    found = []

    def run(self, sockets):
        found.extend(s.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) for s in sockets)

    monkeypatch.setattr(uvicorn.Server, "run", run)
    assert serve(tmp_path, None, "localhost", 0, public=False, browser=False) == 0
    assert found == [1]
