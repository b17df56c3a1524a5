"""The token of the page is the same after a restart, and nobody else can read it."""

import os

import pytest

from pyama.cli import saved_token
from pyama.cli.saved_token import token_for

pytestmark = pytest.mark.skipif(os.name == "nt", reason="files have no modes on Windows")


@pytest.fixture
def state(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state" / "pyama"


def test_a_token_is_kept_for_a_folder_and_a_port(tmp_path, state):
    token = token_for(tmp_path, 8000)
    assert token_for(tmp_path, 8000) == token
    others = {token_for(tmp_path, 8001), token_for(tmp_path / "other", 8000)}
    assert len(others - {token}) == 2
    assert {path.stat().st_mode & 0o777 for path in state.iterdir()} == {0o600}


def test_without_a_chosen_port_nothing_is_kept(tmp_path, state):
    assert token_for(tmp_path, 0) != token_for(tmp_path, 0)
    assert not state.exists()


def readable_by_others(path):
    path.chmod(0o644)


def from_another_day(path):
    os.utime(path, (0, path.stat().st_mtime - saved_token.MAX_AGE_S - 1))


def a_link(path):
    path.rename(path.with_name("elsewhere"))
    path.symlink_to(path.with_name("elsewhere"))


def cut_off(path):
    path.write_text("a")


@pytest.mark.parametrize("change", [readable_by_others, from_another_day, a_link, cut_off])
def test_what_somebody_may_have_seen_or_written_is_not_used(tmp_path, state, change):
    token = token_for(tmp_path, 8000)
    (path,) = state.iterdir()
    change(path)
    again = token_for(tmp_path, 8000)
    assert again != token
    assert token_for(tmp_path, 8000) == again


def test_without_a_home_folder_there_is_a_token(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    assert len(token_for(tmp_path, 8000)) >= saved_token.N_BYTES
