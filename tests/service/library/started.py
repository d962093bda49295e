"""The command as people start it, to be watched, interrupted and killed."""

import os
import re
import subprocess
import time
from pathlib import Path

import psutil

from tests.server import ROOT, heed_interrupts

STALLED_S = 120
LOOK_S = 0.02
TAIL_BYTES = 4096


class Started:
    """A command that runs, and how far its progress bar says it is."""

    def __init__(self, arguments: list[str], log: Path) -> None:
        self.log = log
        # What outlives a killed run, as Python's tracker of resources does, writes to its own file.
        log.unlink(missing_ok=True)
        with log.open("wb") as output:
            self.process = subprocess.Popen(  # noqa: S603  # our own command
                arguments,
                cwd=ROOT,
                stdout=output,
                stderr=subprocess.STDOUT,
                preexec_fn=heed_interrupts,  # noqa: PLW1509
            )

    @property
    def classified(self) -> int:
        """How many files of this run it says to be classified."""
        with self.log.open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - TAIL_BYTES))
            tail = log.read().decode("utf-8", "replace")
        return max(map(int, re.findall(r"classifying: .*?(\d+)/\d+ \[", tail)), default=0)

    def wait_until_classified(self, count: int) -> None:
        """Wait until it says so; fail if it ends before, or nothing moves for long."""
        seen, since_s = -1, time.monotonic()
        while (now := self.classified) < count:
            if now > seen:
                seen, since_s = now, time.monotonic()
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() - since_s < STALLED_S, self.log.read_text()
            time.sleep(LOOK_S)

    def workers(self) -> list[psutil.Process]:
        """Return the processes that classify."""
        return workers_below(self.process.pid)


def workers_below(process_id: int) -> list[psutil.Process]:
    """Return those of all that a process started that have a decoder beside them, as workers do."""
    family = psutil.Process(process_id).children(recursive=True)
    return [p for p in family if any("decoding" in " ".join(c.cmdline()) for c in p.children())]
