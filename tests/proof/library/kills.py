"""Kill the library command, and its workers, at three moments: the table must not show it."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.service.library.started import Started

SHARES = (0.2, 0.5, 0.8)
Command = Callable[[Path], list[str]]


def killed_command(command: Command, whole: Path, contents: int, work: Path) -> bool:
    """Kill the command and begin it again, three times; tell whether the table is the whole one."""
    out = _afresh(work / "killed_command.csv")
    did: list[int] = []
    for wanted in _moments(contents):
        started = Started(command(out), out.with_suffix(".log"))
        # Each run counts what is left.
        started.wait_until_classified(max(1, wanted - sum(did)))
        started.process.kill()
        started.process.wait()
        did.append(started.classified)
    last = Started(command(out), out.with_suffix(".log"))
    last.process.wait()
    again = sum(did) + last.classified - contents
    return _compare(out, whole, f"the command killed after {did}, {again} of {contents} done twice")


def killed_workers(command: Command, whole: Path, contents: int, work: Path) -> bool:
    """Kill a worker process three times; tell whether the table is the whole one."""
    out = _afresh(work / "killed_workers.csv")
    started = Started(command(out), out.with_suffix(".log"))
    for wanted in _moments(contents):
        started.wait_until_classified(wanted)
        started.workers()[0].kill()
    started.process.wait()
    return _compare(out, whole, f"a worker killed after {list(_moments(contents))}")


def _moments(contents: int) -> Iterator[int]:
    return (round(share * contents) for share in SHARES)


def _afresh(out: Path) -> Path:
    for file in out.parent.glob(f"{out.name}*"):
        file.unlink()
    return out


def _compare(out: Path, whole: Path, what: str) -> bool:
    same = out.read_bytes() == whole.read_bytes()
    told = "the same table" if same else "ANOTHER TABLE"
    sys.stdout.write(f"{what}: {told} as undisturbed\n")
    return same
