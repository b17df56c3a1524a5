"""A Slurm of one node: munged, slurmctld and slurmd of a folder of their own."""

import os
import shutil
import socket
import subprocess
import time
from contextlib import ExitStack, contextmanager

PROGRAMS = "munged", "slurmctld", "slurmd", "sbatch", "srun"
NEEDED = bool(os.environ.get("PYAMA_NEEDS_SLURM"))
"""Whether its absence is a failure: set by `.ci/run`."""
CONFIGURATION = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
# More processors than the machine has: the jobs of a test run at the same time.
SlurmdParameters=config_overrides
NodeName={host} NodeAddr=127.0.0.1 CPUs=8 State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


def reason_for_none():
    """Why Slurm cannot be started here; empty if it can."""
    lacking = [name for name in PROGRAMS if not _program(name)]
    if lacking:
        return f"{', '.join(lacking)} not found: apt-get install slurmctld slurmd munge"
    return "" if os.geteuid() == 0 else "slurmd needs root"


def _program(name):
    return shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")


@contextmanager
def slurm_in(folder):
    """Start the daemons, give a `Slurm`, and stop them and all jobs."""
    for name in ("state", "spool"):
        (folder / name).mkdir()
    key = folder / "munge.key"
    key.write_bytes(os.urandom(128))
    key.chmod(0o400)
    conf = folder / "slurm.conf"
    host = socket.gethostname().partition(".")[0]
    conf.write_text(CONFIGURATION.format(host=host, folder=folder, ports=_free_ports(2)))
    slurm = Slurm(folder, os.environ | {"SLURM_CONF": str(conf)})
    with ExitStack() as stack:
        names = {"socket": "munge.socket", "key-file": "munge.key", "log-file": "munged.log"}
        names |= {"pid-file": "munged.pid", "seed-file": "munged.seed"}
        options = [f"--{option}={folder / name}" for option, name in names.items()]
        stack.enter_context(slurm.daemon("munged", "--foreground", "--force", *options))
        slurm.wait_until((folder / "munge.socket").exists)
        stack.enter_context(slurm.daemon("slurmctld", "-D"))
        stack.enter_context(slurm.daemon("slurmd", "-D", "-N", host))
        slurm.wait_until(lambda: "idle" in slurm("sinfo", "--noheader", check=False))
        try:
            yield slurm
        finally:
            slurm("scancel", "--user=root", "--signal=KILL", "--full")
            slurm("scancel", "--user=root")
            slurm.wait_until(lambda: not slurm("squeue", "--noheader"))


def _free_ports(n):
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(n)]
        for entry in sockets:
            entry.bind(("127.0.0.1", 0))
        return [entry.getsockname()[1] for entry in sockets]


class Slurm:
    """Calls the commands of a Slurm in `folder`."""

    def __init__(self, folder, environment):
        self.folder, self.environment = folder, environment

    def __call__(self, *words, check=True):
        done = subprocess.run(
            list(map(str, words)), env=self.environment, capture_output=True, text=True
        )
        assert not check or done.returncode == 0, done.stderr
        return done.stdout

    @contextmanager
    def daemon(self, name, *options):
        with (self.folder / f"{name}.out").open("w") as out:
            command = [_program(name), *options]
            process = subprocess.Popen(command, env=self.environment, stdout=out, stderr=out)
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def wait_until(self, condition, seconds=200):
        """Poll, and show what the daemons said where the condition does not come true."""
        until = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > until:
                logs = [*self.folder.glob("*.log"), *self.folder.glob("*.out")]
                said = "\n".join(f"{log.name}: {log.read_text()[-3000:]}" for log in logs)
                raise AssertionError(said)
            time.sleep(0.1)

    def states(self, job):
        """Of the tasks of an array, such as `{1: "RUNNING"}`; those that ended may lack."""
        lines = self("squeue", "--noheader", "--array", f"--job={job}", "--format=%K %T")
        return {int(k): state for k, state in map(str.split, lines.splitlines())}

    def begin_now(self, task, *changes):
        """Let a requeued task begin at once: Slurm waits two minutes."""
        self("scontrol", "update", f"JobId={task}", "StartTime=now", *changes)
