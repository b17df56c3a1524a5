"""A small recording on disk, and the command line in this process."""

import re

import pytest
from typer.testing import CliRunner

from message_texts import pattern_of, shown_messages
from pyama.cli.app import app
from pyama.testing.nd2_writer import write_nd2
from small_movie import MOVIE

SMALL = ["--set", "min_frames=2", "--set", "border_margin=2"]
"""Settings with which the cells of the small movie stay."""


@pytest.fixture(scope="session")
def movie_file(tmp_path_factory):
    """Three fields of view, six frames, channels Phase and GFP."""
    path = tmp_path_factory.mktemp("recording") / "movie.nd2"
    write_nd2(path, MOVIE[:, :, None], channel_names=["Phase", "GFP"])
    return path


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
