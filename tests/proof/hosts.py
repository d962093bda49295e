"""A library on a Dask cluster: a worker killed, a host cut off and back, another switched off."""

import argparse
import os
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil

from tests.namespaces import Network, network
from tests.proof.library.music import library_in
from tests.server import ROOT
from tests.service.library.started import Started, workers_below

DESK, FIRST, SECOND = "desk", "first", "second"
PORT = 8786
# After so long without an answer Dask gives a peer up; its own default is 30 s, the least is 11.
SILENCE_S = 11
# How much is done when the first host's worker is killed, when the second host is cut off, and when
# the first is switched off.
MOMENTS = (0.2, 0.4, 0.6)
REGISTERED = "Registered to:"
REMOVED = "Remove worker"
STALLED_S = 120
LOOK_S = 0.05


class Cluster:
    """A scheduler on the desk, a worker on each of the other hosts; see :func:`cluster`."""

    def __init__(self, net: Network, logs: Path) -> None:
        self.net = net
        self.address = f"tcp://{net.addresses[DESK]}:{PORT}"
        self._logs = logs
        self._started: dict[str, psutil.Popen] = {}

    def start(self, host: str, command: Sequence[str]) -> None:
        """Start what a host is for."""
        with self._log(host).open("wb") as log:
            self._started[host] = psutil.Popen(
                self.net.at(host, *command),
                cwd=ROOT,
                env={**os.environ, "DASK_DISTRIBUTED__COMM__TIMEOUTS__TCP": f"{SILENCE_S}s"},
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def kill_worker(self, host: str) -> None:
        """Kill the process that classifies there; Dask's nanny replaces it."""
        for worker in workers_below(self._started[host].pid):
            worker.kill()

    def switch_off(self, host: str) -> None:
        """Kill all that runs on a host."""
        root = self._started.pop(host)
        root.suspend()  # it would begin again what ends
        family = [*root.children(recursive=True), root]
        for process in family:
            process.kill()
        psutil.wait_procs(family)

    def wait_until_told(self, host: str, words: str, times: int = 1) -> None:
        """Wait until the log of a host has the words so many times."""
        until_s = time.monotonic() + STALLED_S
        while (told := self._log(host).read_text("utf-8")).count(words) < times:
            assert self._started[host].poll() is None, told
            assert time.monotonic() < until_s, told
            time.sleep(LOOK_S)

    def end(self) -> None:
        """Switch all hosts off."""
        for host in list(self._started):
            self.switch_off(host)

    def _log(self, host: str) -> Path:
        return self._logs / f"{host}.log"


@contextmanager
def cluster(logs: Path) -> Iterator[Cluster]:
    """Return a cluster whose hosts are network namespaces, until the ``with`` statement ends."""
    with network(DESK, FIRST, SECOND) as net:
        made = Cluster(net, logs)
        dask = [sys.executable, "-m", "dask"]
        listen = ["--host", net.addresses[DESK], "--port", str(PORT), "--no-dashboard"]
        worker = [*dask, "worker", made.address, "--nworkers", "1", "--nthreads", "1"]
        # Cut off, a worker ends with its nanny, so it is started again, as the README advises.
        again = f"while :; do {shlex.join(worker)} --no-dashboard; sleep 1; done"
        try:
            made.start(DESK, [*dask, "scheduler", *listen])
            for host in (FIRST, SECOND):
                made.start(host, ["sh", "-c", again])
            for host in (FIRST, SECOND):
                made.wait_until_told(host, REGISTERED)
            yield made
        finally:
            made.end()


def run_disturbed(made: Cluster, command: Sequence[str], count: int, log: Path) -> int:
    """Run the command of the library while the cluster loses hosts; return its exit code.

    When the second host comes back, there is nobody else to do what is missing.
    """
    started = Started(made.net.at(DESK, *command, "--scheduler", made.address), log)
    killed, cut, switched_off = (round(share * count) for share in MOMENTS)
    started.wait_until_classified(killed)
    made.kill_worker(FIRST)
    started.wait_until_classified(cut)
    made.net.cut(SECOND)
    made.wait_until_told(FIRST, REGISTERED, times=2)  # the one in place of the worker killed
    started.wait_until_classified(switched_off)
    made.switch_off(FIRST)
    made.wait_until_told(DESK, REMOVED, times=3)
    sys.stdout.write(f"nobody is left after {started.classified} of {count}\n")
    made.net.mend(SECOND)
    return started.process.wait()


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this proof."""
    parser.add_argument("--data", type=Path, required=True, help="recordings to make files from")
    parser.add_argument("--files", type=int, default=900, help="[%(default)s]")
    parser.add_argument("--seconds", type=float, default=10.0, help="of each file [%(default)s]")
    parser.add_argument("--work", type=Path, help="keep the files and tables here [nowhere]")


def run(options: argparse.Namespace, models: Path, log: Path) -> bool:
    """Take the library on this machine and on the cluster; tell whether the tables agree."""
    with ExitStack() as stack:
        work = options.work or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        music, made = library_in(work, options.data, options.files, options.seconds)
        tables = [work / f"{name}.csv" for name in ("undisturbed", "disturbed")]
        ask = [sys.executable, "-m", "service.library", str(music), "--models", str(models)]
        commands = [[*ask, "--fresh", "--out", str(table)] for table in tables]
        undisturbed = Started(commands[0], log).process.wait()
        hosts = stack.enter_context(cluster(work))
        disturbed = run_disturbed(hosts, commands[1], made.files - made.copies, work / "log")
        same = tables[0].read_bytes() == tables[1].read_bytes()
        sys.stdout.write(
            f"exit codes {undisturbed} undisturbed, {disturbed} on the cluster; "
            f"{'the same' if same else 'ANOTHER'} table\n"
        )
    return same and undisturbed == disturbed
