"""Run the tests of robustness (kills, damage, odd input) with many more cases, for an hour.

    python dev.py chaos                       everything
    python dev.py chaos tests/property        a part, or any other options of pytest

Prints how many kills, failing writes, damaged files and mutations there were.
"""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TESTS = (
    "tests/pipeline/test_kill.py",
    "tests/pipeline/test_killed_conversions.py",
    "tests/pipeline/test_faults.py",
    "tests/pipeline/test_verify.py",
    "tests/pipeline/test_stateful.py",
    "tests/pipeline/test_workers.py",
    "tests/property/test_fuzz.py",
    "tests/interfaces/test_web_openapi.py",
    "tests/interfaces/test_web_many_requests.py",
)


def main(arguments: list[str]) -> int:
    """Run the tests with many cases; return the exit status of pytest."""
    named = any((ROOT / argument.partition("::")[0]).exists() for argument in arguments)
    command = [sys.executable, "-m", "pytest", "-n0", "-s", "-v", *arguments]
    if not named:
        command += TESTS
    environment = {**os.environ, "PYAMA_CHAOS": "1"}
    ended = subprocess.run(command, cwd=ROOT, env=environment, check=False)  # noqa: S603
    return ended.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
