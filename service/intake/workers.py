"""A few worker threads.

Decoding runs in another process, feature extraction and inference in native code that releases
the interpreter lock, so threads use all cores; more threads than cores only add memory.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from service.deadline import Deadline
from service.intake.admission import Place

T = TypeVar("T")


class WorkerPool:
    """Runs blocking work off the event loop.

    Parameters
    ----------
    workers
        Jobs that run at the same time; :mod:`service.intake.admission` bounds those that wait.
    """

    def __init__(self, workers: int) -> None:
        self._executor = ThreadPoolExecutor(workers, thread_name_prefix="classify")
        self._futures: set[Future[Any]] = set()

    @property
    def waiting(self) -> int:
        """Jobs that have not begun yet."""
        futures = tuple(self._futures)  # at once, since another thread may ask for this figure
        return sum(not (future.running() or future.done()) for future in futures)

    async def run(self, job: Callable[[], T], place: Place, deadline: Deadline) -> T:
        """Run a job in a worker and return its result; free the place once the job has ended.

        A job that has not begun when its caller gives up never will.

        Raises
        ------
        DeadlineExceeded
            The result did not come in time.
        """
        loop = asyncio.get_running_loop()
        future = self._executor.submit(job)
        place.begin_work()
        self._futures.add(future)
        future.add_done_callback(lambda done: loop.call_soon_threadsafe(self._end, done, place))
        try:
            return await asyncio.wait_for(asyncio.wrap_future(future), deadline.remaining_s)
        except TimeoutError:
            raise deadline.exceeded() from None

    def close(self) -> None:
        """Finish running jobs, drop waiting ones and stop the threads."""
        self._executor.shutdown(wait=True, cancel_futures=True)

    def _end(self, future: Future[Any], place: Place) -> None:
        self._futures.discard(future)
        place.leave()
