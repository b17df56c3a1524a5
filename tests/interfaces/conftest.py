"""A small recording on disk, and the command line in this process."""

import re
import time

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from message_texts import pattern_of, shown_messages
from pyama.cli.app import app
from pyama.processing.workflow.run import process
from pyama.testing.nd2_writer import write_nd2
from pyama.web.application import create_app
from pyama.web.run_routes import stop_all
from small_movie import MOVIE, make_config

SMALL = ["--set", "min_frames=2", "--set", "border_margin=2"]
"""Settings with which the cells of the small movie stay."""


@pytest.fixture(scope="session")
def movie_file(tmp_path_factory):
    """Three fields of view, six frames, channels Phase and GFP."""
    path = tmp_path_factory.mktemp("recording") / "movie.nd2"
    write_nd2(path, MOVIE[:, :, None], channel_names=["Phase", "GFP"])
    return path


@pytest.fixture(scope="session")
def short_experiment(tmp_path_factory):
    """A folder with two fields of view of three frames, and with their results."""
    folder = tmp_path_factory.mktemp("experiment")
    write_nd2(folder / "movie.nd2", MOVIE[:2, :3, None], channel_names=["Phase", "GFP"])
    assert process(folder / "movie.nd2", make_config(), folder / "results").succeeded
    return folder


@pytest.fixture
def client(root):
    """The page of the folder `root` of the test; its runs are stopped at the end."""
    app = create_app(root, "secret")
    headers = {"Authorization": "Bearer secret"}
    with TestClient(app, base_url="http://localhost", headers=headers) as client:
        yield client
    stop_all(app)


@pytest.fixture
def ended():
    """Wait for a run of the page: `ended(client, run)` gives its last state."""

    def wait(client, run):
        deadline = time.monotonic() + 120
        while run["status"] == "running":
            assert time.monotonic() < deadline
            time.sleep(0.05)
            run = client.get(f"/api/runs/{run['id']}").json()
        return run

    return wait


@pytest.fixture(scope="session")
def unnamed_file(tmp_path_factory):
    """The same with names that say nothing."""
    path = tmp_path_factory.mktemp("recording") / "unnamed.nd2"
    write_nd2(path, MOVIE[:1, :2, None], channel_names=["Camera 1", "Camera 2"])
    return path


@pytest.fixture(scope="session")
def pyama():
    """Run the command line in this process: `pyama("info", path)`.

    Every note and warning that it prints must be on `docs/messages.md`.
    """
    known = re.compile("|".join(pattern_of(message) for message in shown_messages()))

    def call(*arguments):
        done = CliRunner().invoke(app, [str(argument) for argument in arguments])
        said = re.findall(r"^(?:Note|Warning): (.*)$", done.output, re.MULTILINE)
        assert [text for text in said if not known.fullmatch(text.replace("`", ""))] == []
        return done

    return call
