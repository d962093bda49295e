"""What a command costs: time, processor time and memory, with all processes that it starts."""

import os
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.proof.memory import resident_mib
from tests.server import ROOT

LOOK_S = 0.5


@dataclass(frozen=True)
class Spent:
    """What was spent, and the exit code."""

    seconds: float
    cpu_s: float
    peak_mib: float
    code: int

    def plus(self, cpu_s: float, peak_mib: float) -> "Spent":
        """Return it with what a server spent on it."""
        return Spent(self.seconds, self.cpu_s + cpu_s, self.peak_mib + peak_mib, self.code)

    def describe(self, files: int) -> str:
        """Return it in words."""
        return (
            f"{self.cpu_s:.1f} s of processor time, {1e3 * self.cpu_s / files:.1f} ms a file; "
            f"{self.seconds:.1f} s, {files / self.seconds:.1f} files/s; "
            f"at most {self.peak_mib:.0f} MiB"
        )


def cpu_s(process_id: int) -> float:
    """Return the processor time of a process that runs, and of all that it started."""
    process = psutil.Process(process_id)
    times = [one.cpu_times() for one in (process, *process.children(recursive=True))]
    return float(sum(t.user + t.system + t.children_user + t.children_system for t in times))


def spend(arguments: list[str], out: Path) -> Spent:
    """Run a command to its end, with what it writes in a file."""
    began_s = time.monotonic()
    with out.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603  # our own command
            arguments, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT
        )
    peaks = [0.0]
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(LOOK_S):
            peaks.append(resident_mib(process.pid))

    looking = threading.Thread(target=look)
    looking.start()
    try:
        # Tells also what all processes took that it started and has waited for.
        _, status, usage = os.wait4(process.pid, 0)
    finally:
        ended.set()
        looking.join()
    process.returncode = os.waitstatus_to_exitcode(status)
    return Spent(
        time.monotonic() - began_s,
        usage.ru_utime + usage.ru_stime,
        max(peaks),
        process.returncode,
    )
