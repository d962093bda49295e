"""How much memory a process and its children hold."""

from pathlib import Path


def resident_mib(process_id: int) -> float:
    """Return the memory of a process and of all that it started."""
    own = _resident_kib(process_id)
    return own / 1024 + sum(resident_mib(child) for child in _children(process_id))


def _resident_kib(process_id: int) -> int:
    try:
        status = Path(f"/proc/{process_id}/status").read_text("ascii")
    except OSError:  # it has just ended
        return 0
    lines = dict(line.split(":", 1) for line in status.splitlines())
    return int(lines.get("VmRSS", "0 kB").split()[0])


def _children(process_id: int) -> list[int]:
    try:
        tasks = list(Path(f"/proc/{process_id}/task").iterdir())
        return [int(child) for task in tasks for child in (task / "children").read_text().split()]
    except OSError:
        return []
