"""Build and check what is published: `python dev.py release --dry-run`.

It builds the source distribution and the wheel, checks metadata and content, installs the
wheel into an empty environment for every Python that is found, and runs the demo there.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PYTHONS = ("3.11", "3.13")
"""The lowest and the newest version that pyproject.toml names."""
DEMO = ("demo", "--no-browser", "--fovs", "1", "--frames", "12")


def main(arguments: list[str]) -> int:
    """Check a release; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python dev.py release", description=__doc__)
    parser.add_argument("--dry-run", action="store_true", required=True)
    parser.add_argument(
        "--output", type=Path, default=ROOT / "dist", help="folder of the files"
    )
    chosen = parser.parse_args(arguments)
    _check_version()
    _run("validate_pyproject", "pyproject.toml")
    for old in chosen.output.glob("pyama_traces-*"):
        old.unlink()
    _run("build", "--outdir", str(chosen.output), ".")
    built = sorted(map(str, chosen.output.glob("pyama_traces-*")))
    wheel = next(name for name in built if name.endswith(".whl"))
    _run("twine", "check", "--strict", *built)
    _run("check_wheel_contents", "--ignore", "W002", wheel)  # licences are where each is due
    for version in PYTHONS:
        _try_wheel(wheel, version)
    print(
        "Nothing was published. To publish: tag the commit, then python -m twine upload dist/*"
    )
    return 0


def _check_version() -> None:
    """Stop if the changelog or the citation has no section or line for the version.

    Raises:
        SystemExit: One of them has another version.
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    version = re.escape(project["version"])
    for name, pattern in {
        "CHANGELOG.md": rf"^## {version}\b",
        "CITATION.cff": rf"^version: {version}$",
    }.items():
        if not re.search(pattern, (ROOT / name).read_text("utf-8"), re.MULTILINE):
            sys.exit(f"{name} has no entry for version {project['version']}.")


def _run(module: str, *words: str) -> None:
    print(f"python -m {module} {' '.join(words)}", flush=True)
    subprocess.run([sys.executable, "-m", module, *words], cwd=ROOT, check=True)


def _try_wheel(wheel: str, version: str) -> None:
    """Install a wheel into an empty environment, and run the demo without the source."""
    found = _uv("python", "find", "--no-python-downloads", version, check=False)
    if found.returncode:
        print(f"Not tried with Python {version}, which is not installed here.")
        return
    with tempfile.TemporaryDirectory(prefix="pyama_release_") as folder:
        environment = Path(folder) / "environment"
        python = environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        _uv("venv", "--quiet", "--python", found.stdout.strip(), str(environment))
        _uv("pip", "install", "--quiet", "--python", str(python), f"{wheel}[plot,web]")
        print(f"Running the demo with the wheel and Python {version} ...", flush=True)
        clean = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
        command = [str(python), "-m", "pyama", *DEMO]
        subprocess.run(command, cwd=folder, check=True, env=clean)


def _uv(*words: str, check: bool = True) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "uv", *words]
    return subprocess.run(command, check=check, text=True, stdout=subprocess.PIPE)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
