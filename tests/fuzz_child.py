"""Damages a microscope file again and again, and does with it what a user would.

Run as a program: `fuzz_child.py SOURCE FOLDER FIRST LAST`. Says on stdout, one line of JSON
per mutation, how it ended; a line `{"begin": n}` comes before each, so that whoever started
this knows which one ended the interpreter.
"""

import contextlib
import faulthandler
import io
import json
import random
import shutil
import sys
import time
from pathlib import Path

import numpy as np

from small_movie import MOVIE

SECONDS = 300
"""A mutation that takes longer hangs, also on a machine with much else to do."""
WORKING_SECONDS = 60
"""A mutation that takes longer of the processor is as good as a hang."""
IMAGES = MOVIE[:2, :3, None, :, 20:60, 20:68]
"""What the file holds."""
SPLICED = 512
"""Bytes; no frame is so small that a spliced block blanks it."""
MOST_CHANGED = SPLICED // 2 + 20
"""Pixels of an image that a mutation changes at most."""


def mutated(content, dice):
    """Flip bits, cut off, or put blocks of the file elsewhere in it."""
    data = bytearray(content)
    kind = dice.choice(["flip", "flip", "cut", "splice", "remove", "insert"])
    if kind == "flip":
        for _ in range(dice.choice([1, 1, 3, 20])):
            # Sizes and places stand at the beginning and at the end.
            near = dice.choice([0, len(data) - 6000, dice.randrange(len(data))])
            place = min(max(0, near + dice.randrange(6000)), len(data) - 1)
            data[place] ^= 1 << dice.randrange(8)
    elif kind == "cut":
        del data[dice.randrange(len(data)) :]
    else:
        length = dice.choice([1, 4, 64, SPLICED])
        start, target = dice.randrange(len(data)), dice.randrange(len(data))
        part = data[start : start + length]
        if kind == "splice":
            data[target : target + len(part)] = part
        elif kind == "insert":
            data[target:target] = part
        else:
            del data[target : target + length]
    return kind, bytes(data)


def invoked(*arguments):
    """Exit code and everything that `pyama` says."""
    from pyama.cli.app import app

    said, before = io.StringIO(), sys.argv
    sys.argv = ["pyama", *arguments]
    code = 0
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            app(prog_name="pyama")
    except SystemExit as ended:
        code = ended.code or 0
    finally:
        sys.argv = before
    return code, said.getvalue()


def wrong(folder, said, most):
    """What is not fine in a folder that a run called finished; empty if all is.

    A file that is known to be damaged may hold other pixels; others may differ in `most`.
    """
    from pyama.processing.record import read_record
    from pyama.processing.verify import verify
    from pyama.store import FovStore

    report = verify(folder)
    if not report.is_intact:
        return str(report.damages[0])
    metadata = read_record(folder).metadata
    store = FovStore(folder, 0)
    for group, channel in (("pc_ch_0", 0), ("fl_ch_1", 1)):
        stack = store.stack(group)
        if len(stack) != metadata.n_frames:
            return f"{len(stack)} of {metadata.n_frames} frames"
        for t, frame in enumerate(stack):
            if t in metadata.missing_frames(0, channel):
                continue
            if not np.any(frame):
                return f"{group}, frame {t} is black, and nobody says so"
            odd = "" if "damaged" in said else misread(frame, t, channel, most)
            if odd:
                return f"{group}, frame {t} {odd}, and nobody says so: {said}"
    return ""


def misread(frame, t, channel, most):
    """How an image differs from the one that was written, in more pixels than were changed."""
    image = IMAGES[0, t, 0, channel] if t < IMAGES.shape[1] else np.empty(0)
    if frame.shape != image.shape:
        return f"has the shape {frame.shape}"
    n = np.count_nonzero(frame != image)
    return f"differs in {n} of {image.size} pixels" if n > most else ""


def tried(path, folder, most=0):
    """Look at a file, run it, and say how that ended; see `wrong`."""
    code, said = invoked("info", str(path))
    step = "info"
    if code == 0:
        options = ["--pc", "0", "--fl", "1", "--fovs", "0", "-j", "1", "--set", "min_frames=1"]
        code, said = invoked("run", str(path), "-o", str(folder), *options)
        step = "run"
    found = {"step": step, "code": code}
    if "Traceback" in said or code not in (0, 1, 2):
        found["wrong"] = said[-2000:]
    elif code == 0 and (problem := wrong(folder, said, most)):
        found["wrong"] = problem
    elif code and not said.strip():
        found["wrong"] = "failed without a word"
    shutil.rmtree(folder, ignore_errors=True)
    return found


def limit_memory():
    """At most 3 GB more than the libraries take."""
    try:
        import resource
    except ImportError:  # Windows
        return
    import pyama.processing.workflow  # noqa: F401

    pages = (
        int(Path("/proc/self/statm").read_text().split()[0]) if sys.platform == "linux" else 0
    )
    if pages:
        size = pages * resource.getpagesize() + 3 * 2**30
        resource.setrlimit(resource.RLIMIT_AS, (size, size))


def main(source, folder, first, last):
    content = Path(source).read_bytes()
    path = Path(folder) / f"mutated{''.join(Path(source).suffixes)}"
    limit_memory()
    for number in range(int(first), int(last)):
        print(json.dumps({"begin": number}), flush=True)  # noqa: T201
        kind, data = mutated(content, random.Random(number))  # noqa: S311
        path.write_bytes(data)
        faulthandler.dump_traceback_later(SECONDS, exit=True)
        before = time.process_time()
        try:
            found = tried(path, Path(folder) / "out", MOST_CHANGED)
        except Exception as error:  # noqa: BLE001 (whatever gets here is a finding)
            found = {"step": "any", "code": None, "wrong": f"{type(error).__name__}: {error}"}
        faulthandler.cancel_dump_traceback_later()
        worked = time.process_time() - before
        if worked > WORKING_SECONDS:
            found["wrong"] = f"{worked:.0f} s of the processor"
        print(json.dumps({"end": number, "kind": kind, **found}), flush=True)  # noqa: T201


if __name__ == "__main__":
    main(*sys.argv[1:])
