"""Runs in processes of their own, which tests kill or take the means away from.

Children are forked, where the system can, from a server that has compiled everything and has
no threads, so that a child is ready at once.
"""

import contextlib
import logging
import multiprocessing
import os
import sys
import tempfile
import time
from multiprocessing import forkserver
from pathlib import Path

from pyama.errors import PyamaError
from pyama.processing.verify import verify
from pyama.processing.workflow import process
from pyama.runs.log import write_log
from pyama.store import FovStore, convert_cells
from pyama.testing.nd2_writer import write_nd2
from small_movie import MOVIE, make_config

FORKS = "forkserver" in multiprocessing.get_all_start_methods()


def write_movie(path, n_fovs=2, n_frames=4):
    images = MOVIE[:n_fovs, :n_frames, None]
    write_nd2(path, images, channel_names=["Phase", "GFP"])
    return path


def start(target, *arguments):
    """Start `target(*arguments)` in a child."""
    context = multiprocessing.get_context("forkserver" if FORKS else "spawn")
    if FORKS:
        _start_server(context)
    child = context.Process(target=target, args=arguments, daemon=False)
    child.start()
    return child


def _start_server(context):
    """Start the server with the folder of the tests in reach, which it does not inherit."""
    context.set_forkserver_preload(["warm_child_runs"])
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(
        filter(None, [str(Path(__file__).parent), before])
    )
    try:
        forkserver.ensure_running()
    finally:
        if before is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = before


def answer(target, *arguments, timeout=120):
    """Return what `target(*arguments)` returns in a child."""
    ours, theirs = multiprocessing.get_context("spawn").Pipe(duplex=False)
    child = start(_send, theirs, target, *arguments)
    theirs.close()
    try:
        return ours.recv() if ours.poll(timeout) else None
    except EOFError:
        return None
    finally:
        child.kill()
        child.join()


def _send(pipe, target, *arguments):
    pipe.send(target(*arguments))


def run(path, output_dir, params, executor="threads"):
    report = process(path, make_config(**params), output_dir, executor=executor)
    return outcome(report)


CHANGES = {"os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.utime", "os.truncate"}


class Ending:
    """Ends the process before the n-th change of a folder; all changes pass by it."""

    def __init__(self, folder, last, *, torn):
        self.folder, self.last, self.torn = str(folder), last, torn
        self.count, self.busy = 0, False
        sys.addaudithook(self)

    def __call__(self, event, arguments):
        if self.busy or not self._is_change(event, arguments):
            return
        self.count += 1
        if self.count - 1 == self.last:
            self.busy = True
            if self.torn and event == "open":  # as a write that has only begun
                os.close(os.open(arguments[0], arguments[2] & ~os.O_EXCL, 0o666))
            os._exit(9)

    def _is_change(self, event, arguments):
        if event == "open":
            path, _, flags = arguments
            if not flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
                return False
        elif event in CHANGES:
            path = arguments[0]
        else:
            return False
        # Trees are removed by names relative to their folder.
        return isinstance(path, str | os.PathLike) and (
            not os.path.isabs(path) or os.fspath(path).startswith(self.folder)
        )


def changes_of_a_run(recording, output_dir, params):
    ending = Ending(output_dir, -1, torn=False)
    assert process(recording, make_config(**params), output_dir).succeeded
    return ending.count


def run_and_end(recording, output_dir, params, last, torn, scratch=None):
    Ending(output_dir, last, torn=torn)
    process(recording, make_config(**params), output_dir, scratch=scratch)


def changes_of_a_conversion(output_dir, form):
    ending = Ending(output_dir, -1, torn=False)
    convert_cells(FovStore(output_dir, 0).path, form)
    return ending.count


def convert_and_end(fov_path, form, last, torn):
    Ending(fov_path, last, torn=torn)
    convert_cells(fov_path, form)


FIRST = {"threads": "copying", "processes": "segmentation"}
"""Where the run has begun, and no longer starts processes."""


def run_and_mark(path, output_dir, params, executor, marker):
    """Run, and touch a file when it has begun."""

    def watch(progress):
        if progress.step == FIRST[executor]:
            marker.touch()

    process(path, make_config(**params), output_dir, executor=executor, watch=watch)


def run_shard(path, output_dir, fov, gate, n):
    """Run one field of view with its log, and end when `n` of these runs are about to end."""

    def wait_for_others(*_):
        (gate / str(fov)).touch()
        while len(os.listdir(gate)) < n:
            time.sleep(0.001)

    log = logging.getLogger("pyama.test")
    with write_log(output_dir, lambda record: None):
        log.info("1 of %d FOVs, 2 frames each, FOV %d", n, fov)
        report = process(path, make_config(), output_dir, [fov], update=wait_for_others)
        log.info("end of FOV %d", fov)
    sys.exit(0 if report.succeeded else 1)


def run_and_tell(path, output_dir, pids):
    """Run on one process, and write down which at its first message."""

    def watch(progress):
        if progress.step == "segmentation":
            workers = multiprocessing.active_children()
            pids.write_text(f"{workers[0].pid}\n")

    config = make_config(n_workers=1)
    process(path, config, output_dir, executor="processes", watch=watch)


def run_waiting_on_a_cluster(path, output_dir, scheduler, plugins):
    """Run with a segmenter that waits for somebody to let it go on."""
    from importlib import import_module

    from pyama.processing.methods import SEGMENTERS

    sys.path.insert(0, plugins)
    SEGMENTERS["waiting"] = import_module("cluster_plugins").waiting
    config = make_config(segmentation_method="waiting")
    process(path, config, output_dir, executor=scheduler)


def outcome(report):
    return [str(failure) for failure in report.failures]


def run_without(limit, path, output_dir):
    """Run with less of something than a run needs; return the failures, or the error."""
    _warm_up()
    limit()
    try:
        return run(path, output_dir, {})
    except (PyamaError, OSError) as error:
        return [f"raised: {error}"]


def few_files():
    import resource

    in_use = len(os.listdir("/proc/self/fd"))
    resource.setrlimit(resource.RLIMIT_NOFILE, (in_use + 2, in_use + 2))


def small_files():
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))


def another_user():
    if os.getuid() == 0:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)


def verify_as_another(folder):
    another_user()
    return [str(found) for found in verify(folder).damages]


def command_line(*arguments):
    """Run `pyama` as a user would; ends the process."""
    command_line_into(os.devnull, *arguments)


def command_line_into(path, *arguments):
    """Run `pyama` as a user would, and write what it says into a file; ends the process."""
    from pyama.cli import main

    out = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    os.dup2(out, 1)
    os.dup2(out, 2)
    sys.argv = ["pyama", *arguments]
    main()


def _warm_up():
    """Compile and load everything a run needs."""
    with tempfile.TemporaryDirectory() as folder, contextlib.suppress(PyamaError):
        path = write_movie(Path(folder) / "movie.nd2", 1, 2)
        for _ in range(2):
            run(path, Path(folder) / "out", {"n_workers": 1})
        verify(Path(folder) / "out")
