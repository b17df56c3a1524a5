"""Serve the page and open a browser on it."""

import asyncio
import logging
import os
import socket
import sys
import threading
import webbrowser
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlencode

from pyama import layout, older_pyama
from pyama.cli.saved_token import token_for
from pyama.cli.terminal import note, result, warning
from pyama.errors import ConfigError

LOOPBACK = ("127.0.0.1", "localhost", "::1")

SECONDS_TO_END = 5
"""How long the server waits for open requests when it stops."""


def serve(
    folder: Path | None,
    root: Path | None,
    host: str,
    port: int,
    *,
    public: bool,
    browser: bool,
    plugins: Sequence[Path] = (),
) -> int:
    """Serve until Ctrl-C.

    Args:
        folder: Output folder to open; None for none yet.
        root: Folder whose files may be read and written; None for `folder`, or the current
            folder.
        host: Address to listen at.
        port: 0 selects a free port.
        public: Whether `host` may be reachable from other machines.
        browser: Whether to open one.
        plugins: Folders of plugins that were loaded.

    Returns:
        The exit code.

    Raises:
        ConfigError: An option is wrong.
    """
    try:
        import uvicorn

        from pyama.web.application import create_app
        from pyama.web.connections import HeaderLimits
        from pyama.web.run_routes import stop_all
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"The viewer needs {error.name}: pip install 'pyama-traces[web]'."
        ) from error
    top = _checked(folder, root, host, public=public)
    token = token_for(top, port)
    app = create_app(top, token, frozenset({host.lower()}), plugins)
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            http=HeaderLimits,
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=SECONDS_TO_END,
        )
    )
    app.state.event_streams.is_stopping = lambda: server.should_exit
    logging.getLogger("uvicorn.error").addFilter(_is_worth_saying)
    with socket.create_server((host, port), family=_family(host)) as listener:
        # Without this, a browser waits 40 ms for an answer that is sent in two parts.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        query = {"token": token}
        if folder is not None and not _holds_folders_of_results(folder):
            query["dir"] = _relative(folder, top)
        _announce(host, listener.getsockname()[1], query, browser=browser)
        try:
            server.run(sockets=[listener])
        except KeyboardInterrupt:
            pass
        finally:
            app.state.inspected_tables.write_all()
            app.state.fits.stop()
            stop_all(app)
    if app.state.fits.is_given_up:
        _end_without_threads()
    return 0


def _end_without_threads() -> NoReturn:
    """End this process although a fit goes on: Python would wait for its threads."""
    warning("A fit did not end; the model of a plugin may hang.")
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def _is_worth_saying(record: logging.LogRecord) -> bool:
    """Whether a log record is about more than requests that end because the server stops."""
    error = record.exc_info[1] if record.exc_info else None
    is_of_stopping = str(record.msg).startswith("Cancel %s")
    return not (is_of_stopping or isinstance(error, asyncio.CancelledError))


def _announce(host: str, port: int, query: dict[str, str], *, browser: bool) -> None:
    """Print the address of the page, and open it in a browser."""
    shown = "localhost" if host in LOOPBACK else host
    address = f"http://{shown}:{port}/?{urlencode(query)}"
    result(f"Open {address}")
    note("Ctrl-C stops the server.")
    if browser:
        threading.Timer(0.5, webbrowser.open, [address]).start()


def _checked(folder: Path | None, root: Path | None, host: str, *, public: bool) -> Path:
    if folder is not None and not folder.is_dir():
        raise ConfigError(f"{folder} is not a folder. Give the --output folder of a run.")
    top = (root or folder or Path()).resolve()
    if not top.is_dir():
        raise ConfigError(f"--root {top} is not a folder.")
    if folder is not None and not folder.resolve().is_relative_to(top):
        raise ConfigError(f"{folder} does not lie below --root {top}.")
    if folder is not None and not (_is_output(folder) or _holds_folders_of_results(folder)):
        warning(
            older_pyama.what_to_do(folder)
            or f"{folder} holds no results yet: the page begins with the form for a run."
        )
    if host not in LOOPBACK:
        if not public:
            raise ConfigError(
                f"--host {host} lets everybody on the network who learns the address see and "
                "change what lies below the root, and it is not encrypted. Better: "
                "`ssh -L 8000:localhost:8000 SERVER`. If that is what you want, add "
                "--allow-remote."
            )
        warning(f"Not encrypted: everybody who can reach {host} and has the token has access.")
    return top


def _is_output(folder: Path) -> bool:
    return (folder / layout.CONFIG_FILE).exists()


def _holds_folders_of_results(folder: Path) -> bool:
    """Whether results lie in folders below this one, and not in itself."""
    return not _is_output(folder) and any(map(_is_output, folder.glob("*/")))


def _relative(folder: Path, top: Path) -> str:
    return folder.resolve().relative_to(top).as_posix()


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
