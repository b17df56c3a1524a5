"""Fixtures of whole runs."""

import pytest

from small_movie import MOVIE, make_config, recording_of


@pytest.fixture
def images():
    """Phase contrast and fluorescence, (fov, frame, channel, H, W)."""
    return MOVIE.copy()


@pytest.fixture
def recording(images):
    return recording_of(images)


@pytest.fixture
def config():
    return make_config()
