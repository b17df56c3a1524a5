"""The server of the page in a process of its own."""

import re
import subprocess
import sys
from contextlib import contextmanager
from urllib.parse import urlsplit


@contextmanager
def serving(folder):
    """Serve a folder; gives the process, its port and the token."""
    command = [sys.executable, "-m", "pyama", "view", str(folder), "--no-browser"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        address = server.stdout.readline().removeprefix("Open ").strip()
        try:
            yield server, urlsplit(address).port, re.search(r"token=([\w-]+)", address)[1]
        finally:
            server.terminate()
            try:
                server.wait(60)
            finally:
                server.kill()
