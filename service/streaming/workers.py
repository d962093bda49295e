"""Threads of their own for streams, so that uploads keep being answered."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


class StreamWorkers:
    """Runs short jobs off the event loop, in the order in which they come.

    Parameters
    ----------
    workers
        Jobs that run at the same time.
    """

    def __init__(self, workers: int) -> None:
        self._workers = workers
        self._executor = ThreadPoolExecutor(workers, thread_name_prefix="stream")
        self._jobs = 0

    @property
    def busy(self) -> bool:
        """Whether a new job would have to wait."""
        return self._jobs >= self._workers

    async def run(self, job: Callable[[], T]) -> T:
        """Run a job and return its result; once begun it ends, even if nobody waits for it."""
        self._jobs += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._executor, job)
        finally:
            self._jobs -= 1

    def close(self) -> None:
        """Finish running jobs, drop waiting ones and stop the threads."""
        self._executor.shutdown(wait=True, cancel_futures=True)
