"""The service with a watch on its event loop: ``python -m tests.proof.speed.watched FILE``.

After SIGUSR1, it writes to FILE what held the loop longest since the last time.
"""

import asyncio
import json
import signal
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from service.__main__ import main


@dataclass
class Longest:
    """What held the loop longest: by the clock, and of processor time, and what that was."""

    wall_s: float = 0.0
    processor_s: float = 0.0
    what: str = ""


def watch(file: Path) -> None:
    """Time all that event loops run from now on."""
    longest = Longest()
    run = asyncio.Handle._run

    def timed(handle: Any) -> None:
        began_s, spent_s = time.perf_counter(), time.thread_time()
        callback = handle._callback
        run(handle)
        wall_s, processor_s = time.perf_counter() - began_s, time.thread_time() - spent_s
        longest.wall_s = max(longest.wall_s, wall_s)
        if processor_s > longest.processor_s:
            longest.processor_s, longest.what = processor_s, _name(callback)

    def tell(_signal: int, _frame: FrameType | None) -> None:
        nonlocal longest
        unfinished = file.with_suffix(".part")
        unfinished.write_text(json.dumps(asdict(longest)))
        unfinished.rename(file)
        longest = Longest()

    setattr(asyncio.Handle, "_run", timed)  # noqa: B010  # loops call no other place
    signal.signal(signal.SIGUSR1, tell)


def _name(callback: Any) -> str:
    owner = getattr(callback, "__self__", None)
    if isinstance(owner, asyncio.Task):
        return str(getattr(owner.get_coro(), "__qualname__", "a task"))
    return str(getattr(callback, "__qualname__", callback))


if __name__ == "__main__":
    watch(Path(sys.argv.pop()))
    sys.exit(main())
