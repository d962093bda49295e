"""A bounded queue in front of a few worker threads.

Decoding runs in another process, feature extraction and inference in native code that releases
the interpreter lock, so threads use all cores; more threads than cores only add memory.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from service.deadline import Deadline
from service.errors import Overloaded

T = TypeVar("T")


class WorkerPool:
    """Runs blocking work off the event loop, refusing what it cannot finish soon.

    Parameters
    ----------
    workers
        Jobs that run at the same time.
    queue_size
        Jobs that may wait beyond those.
    """

    def __init__(self, workers: int, queue_size: int) -> None:
        self._executor = ThreadPoolExecutor(workers, thread_name_prefix="classify")
        self._capacity = workers + queue_size
        self._pending: set[Future[Any]] = set()

    @property
    def pending(self) -> int:
        """Jobs that run or wait."""
        return len(self._pending)

    async def run(self, job: Callable[[], T], deadline: Deadline) -> T:
        """Run a job in a worker and return its result.

        Raises
        ------
        Overloaded
            The queue is full; nothing was started.
        DeadlineExceeded
            The result did not come in time. A job that has not begun never will.
        """
        if self.pending >= self._capacity:
            raise Overloaded(
                f"All workers are busy and {self.pending} clips are pending.", retry_after_s=1
            )
        loop = asyncio.get_running_loop()
        future = self._executor.submit(job)
        self._pending.add(future)
        future.add_done_callback(lambda done: loop.call_soon_threadsafe(self._forget, done))
        try:
            return await asyncio.wait_for(asyncio.wrap_future(future), deadline.remaining_s)
        except TimeoutError:
            raise deadline.exceeded() from None

    def close(self) -> None:
        """Finish running jobs, drop waiting ones and stop the threads."""
        self._executor.shutdown(wait=True, cancel_futures=True)

    def _forget(self, future: Future[Any]) -> None:
        self._pending.discard(future)
