"""Processor time of other processes."""

import time

from tests.proof.memory import process_tree

# How Linux makes the number of the clock that counts a process's time (clock_getcpuclockid).
_SCHEDULED = 2


def processor_s(process_id: int) -> float:
    """Return the processor time that a process and all that it started have taken."""
    return sum(_own_s(one) for one in process_tree(process_id))


def _own_s(process_id: int) -> float:
    try:
        return time.clock_gettime((~process_id << 3) | _SCHEDULED)
    except OSError:  # it has just ended
        return 0.0
