"""How much memory a process and its children hold."""

import contextlib
from pathlib import Path

RESET_PEAK = "5"  # written to clear_refs, the peak begins anew from what is resident


def resident_mib(process_id: int) -> float:
    """Return the memory of a process and of all that it started."""
    return sum(_status_kib(one, "VmRSS") for one in process_tree(process_id)) / 1024


def peak_mib(process_id: int) -> float:
    """Return the sum of the most memory that a process, and each that it started, has held."""
    return sum(_status_kib(one, "VmHWM") for one in process_tree(process_id)) / 1024


def forget_peak(process_id: int) -> None:
    """Let :func:`peak_mib` begin anew."""
    for one in process_tree(process_id):
        with contextlib.suppress(OSError):
            Path(f"/proc/{one}/clear_refs").write_text(RESET_PEAK, "ascii")


def own_mib(process_id: int, kind: str) -> float:
    """Return the memory of one process of one kind: ``Rss`` or ``Pss``.

    What several processes share counts whole in the first and in parts in the second.
    """
    lines = Path(f"/proc/{process_id}/smaps_rollup").read_text("ascii").splitlines()[1:]
    return int(dict(line.split(":", 1) for line in lines)[kind].split()[0]) / 1024


def process_tree(process_id: int) -> list[int]:
    """Return the number of a process and those of all that it started."""
    below = [one for child in children(process_id) for one in process_tree(child)]
    return [process_id, *below]


def children(process_id: int) -> list[int]:
    """Return the numbers of the processes that a process started."""
    try:
        tasks = list(Path(f"/proc/{process_id}/task").iterdir())
        return [int(child) for task in tasks for child in (task / "children").read_text().split()]
    except OSError:
        return []


def _status_kib(process_id: int, name: str) -> int:
    try:
        status = Path(f"/proc/{process_id}/status").read_text("ascii")
    except OSError:  # it has just ended
        return 0
    lines = dict(line.split(":", 1) for line in status.splitlines())
    return int(lines.get(name, "0 kB").split()[0])
