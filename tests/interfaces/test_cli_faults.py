"""A fault of pyama itself is one line, with a traceback only on demand."""

import pytest


@pytest.fixture
def broken(monkeypatch):
    def fail(*_, **__):
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr("pyama.cli.info_command.open_reader", fail)


def test_a_fault_is_one_line_and_exit_code_1(pyama, movie_file, broken):
    result = pyama("info", movie_file)
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        "Error: ZeroDivisionError: division by zero. This is a bug in pyama, please report "
        "it; what is finished is kept. --debug shows where it happened."
    ]


def test_debug_shows_the_traceback(pyama, movie_file, broken):
    result = pyama("info", movie_file, "--debug")
    assert result.exit_code == 1
    assert "Traceback" in result.stderr
