"""Settings of every test, and the fixture of tests that load plugins."""

import sys

import pytest
from hypothesis import settings

# The first example of a property compiles its kernels: that takes seconds, once.
settings.register_profile("pyama", deadline=None)
settings.load_profile("pyama")


@pytest.fixture
def plugins_as_before(monkeypatch):
    """Everything that plugins are put into is as it was after the test."""
    from pyama.plugins import loading
    from pyama.runs.plugin_catalog import ALL_TARGETS

    monkeypatch.setattr(loading, "_FILES", {})
    before = loading._contents(ALL_TARGETS)
    yield
    loading._restore(before, ALL_TARGETS)
    for name in list(sys.modules):
        if name.startswith("pyama_plugin_"):
            del sys.modules[name]
