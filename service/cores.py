"""How many processor cores the service may really use."""

import math
import os
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")


def available_cores(cgroup: Path = CGROUP) -> int:
    """Return the cores that this process may run on, or its container's quota if smaller.

    A quota on processor time hides no core from the process, yet more busy threads than
    the quota only make each other wait.
    """
    affinity = (
        len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    )
    quota = _quota_v2(cgroup) or _quota_v1(cgroup)
    return affinity if quota is None else max(1, min(affinity, math.ceil(quota)))


def _quota_v2(cgroup: Path) -> float | None:
    quota, period = _numbers(cgroup / "cpu.max", 2)
    return quota / period if quota > 0 and period > 0 else None


def _quota_v1(cgroup: Path) -> float | None:
    (quota,) = _numbers(cgroup / "cpu" / "cpu.cfs_quota_us", 1)
    (period,) = _numbers(cgroup / "cpu" / "cpu.cfs_period_us", 1)
    return quota / period if quota > 0 and period > 0 else None


def _numbers(file: Path, count: int) -> list[float]:
    """Read whitespace-separated numbers; zeros where there are none (``max``: no limit)."""
    try:
        numbers = [float(word) for word in file.read_text("ascii").split()]
    except (OSError, ValueError):
        numbers = []
    return numbers if len(numbers) == count else [0.0] * count
