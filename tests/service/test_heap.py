import ctypes
import subprocess
import sys
from pathlib import Path

import pytest

from service import heap

ROOT = Path(__file__).parents[2]
# How many pages a process is given while it takes and frees the arrays of a clip again and again.
FAULTS = """
import resource
import numpy as np
from service.heap import keep_freed_memory
{keep}
def take():
    [np.ones(1 << 18, np.float32) for _ in range(12)]
take()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    take()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def page_faults(keep: str) -> int:
    done = subprocess.run(  # noqa: S603  # our own code
        [sys.executable, "-c", FAULTS.format(keep=keep)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return int(done.stdout)


@pytest.mark.skipif(not heap._is_gnu(), reason="another C library")
def test_memory_that_is_freed_is_taken_again_without_asking_the_system() -> None:
    assert page_faults("keep_freed_memory()") < 500
    assert page_faults("") > 10_000


def test_elsewhere_nothing_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heap, "_is_gnu", lambda: False)
    monkeypatch.setattr(ctypes, "CDLL", None)
    heap.keep_freed_memory()
