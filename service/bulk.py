"""Spread work over processes of this machine or over a cluster: a thin layer on Dask.

Dask brings the queue, the transport and the retries. What is added here is a bound: only so many
items are handed out at a time, so that a million of them take no more memory than a hundred; and
items that take little time are handed out some at a time.
"""

import itertools
import logging
import math
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

import dask
from distributed import CancelledError, Client, LocalCluster, wait

Item = TypeVar("Item")
Result = TypeVar("Result")

CONNECT_S = 10
FIRST_WORKER_S = 60
AWAY_S = 300
LOOK_S = 10
COUNT_HOLDS_S = 2.0
# Batches handed out for each thread of the workers: one at work and some on the way.
AHEAD = 4
# Dask itself takes some milliseconds for each batch; what is lost with a worker is one batch.
BATCH_S = 0.3
LARGEST_BATCH = 16
NEWEST_COUNTS = 0.3
# So often may a worker process die over an item before the item is given up.
ALLOWED_FAILURES = 3
_CONFIG = {
    "distributed.scheduler.allowed-failures": ALLOWED_FAILURES,
    # An item that waits in a process dies with it, and would be held to account for that.
    "distributed.scheduler.worker-saturation": 1.0,
    # A process is replaced by its nanny however long that takes; the nanny must not be let go.
    "distributed.deploy.lost-worker-timeout": "1 day",
    # Nobody looks at what Dask notes of itself up to a hundred times a second.
    "distributed.worker.profile.enabled": False,
    "distributed.admin.tick.interval": "1s",
    "distributed.admin.tick.limit": "1 day",
    "distributed.admin.system-monitor.interval": "5s",
    "distributed.admin.system-monitor.gil.enabled": False,
    # Else every array beyond 128 KiB comes from the system and goes back to it at once.
    "distributed.nanny.pre-spawn-environ.MALLOC_TRIM_THRESHOLD_": None,
}


class NoWorkers(Exception):
    """No scheduler or worker answers, or they went away before the work was done."""


@dataclass(frozen=True)
class Done(Generic[Item, Result]):
    """An item with its result, or with the exception that it ended in.

    An item over which too many worker processes died has the exception
    ``distributed.KilledWorker``.
    """

    item: Item
    result: Result | None = None
    error: BaseException | None = None

    def get(self) -> Result:
        """Return the result, or raise the error."""
        if self.error is not None:
            raise self.error
        return cast(Result, self.result)


@contextmanager
def workers(
    address: str | None = None, count: int = 1, *, processes: bool = True
) -> Iterator[Client]:
    """Return a Dask client in whose context work can be spread.

    Parameters
    ----------
    address
        Of a Dask scheduler, such as ``tcp://host:8786``; None for workers of this machine.
    count
        How many of these, of one thread each.
    processes
        Whether these are processes, which may crash, or threads of this process, which start at
        once.

    Raises
    ------
    NoWorkers
        No scheduler answers at the address, or it has no workers.
    """
    with dask.config.set(_CONFIG), _quiet():
        if address is not None:
            with _client_of(address) as client:
                yield client
            return
        with (
            LocalCluster(
                n_workers=count if processes else 1,
                threads_per_worker=1 if processes else count,
                processes=processes,
                # There is no dashboard, but a server for one that would want its usual port.
                dashboard_address=":0",
                silence_logs=logging.CRITICAL if processes else False,
            ) as cluster,
            Client(cluster) as client,
        ):
            yield client


def map_unordered(
    client: Client, function: Callable[..., Result], items: Iterable[Item], *arguments: Any
) -> Iterator[Done[Item, Result]]:
    """Call a function with each item, and yield what came of it as soon as it is known.

    Parameters
    ----------
    client
        From :func:`workers`.
    function
        Called with an item and the arguments, in a worker.
    items
        Taken from one after the other, as the workers need them.
    arguments
        The same for all items; one that is large should be a future of the client.

    Raises
    ------
    NoWorkers
        The scheduler went away, or all workers did and stay away.
    """
    batches = _Batches(items)
    handed_out: dict[Any, list[Item]] = {}
    crew = _Crew(client)

    def hand_out() -> None:
        while len(handed_out) < AHEAD * crew.threads() and (batch := batches.next()):
            future = client.submit(_work_off, function, batch, *arguments, pure=False)
            handed_out[future] = batch

    hand_out()
    while handed_out:
        for future in crew.first_of(list(handed_out)):
            batch = handed_out.pop(future)
            error = future.exception()
            if error is None:
                seconds, done = crew.result_of(future)
                batches.took(seconds, len(batch))
                yield from done
            elif len(batch) == 1:
                yield Done(batch[0], error=error)
            else:
                batches.part(batch)
        hand_out()


def _work_off(
    function: Callable[..., Result], batch: list[Item], *arguments: Any
) -> tuple[float, list[Done[Item, Result]]]:
    """Call a function with each item of a batch, in a worker; tell also how long that took."""
    began_s = time.monotonic()
    done = [_done(function, item, *arguments) for item in batch]
    return time.monotonic() - began_s, done


def _done(function: Callable[..., Result], item: Item, *arguments: Any) -> Done[Item, Result]:
    try:
        return Done(item, function(item, *arguments))
    except Exception as error:  # of this item; the others of the batch go on
        return Done(item, error=error)


class _Batches(Generic[Item]):
    """Items in batches that take about the same time, learned from those that are done."""

    def __init__(self, items: Iterable[Item]) -> None:
        self._waiting = iter(items)
        self._alone: list[Item] = []
        self._item_s = BATCH_S  # one at a time until it is known

    def next(self) -> list[Item]:
        """Return the next batch; an empty one if there is nothing left."""
        if self._alone:
            return [self._alone.pop()]
        size = max(1, min(LARGEST_BATCH, int(BATCH_S / self._item_s)))
        return list(itertools.islice(self._waiting, size))

    def took(self, seconds: float, count: int) -> None:
        """Learn how long so many items took."""
        self._item_s += NEWEST_COUNTS * (seconds / count - self._item_s)

    def part(self, batch: list[Item]) -> None:
        """Hand out again, each alone, what nothing came of together: one of them is to blame."""
        self._alone += reversed(batch)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Dask from logging in this process: what goes wrong is told with the items."""
    loggers = [logging.getLogger(name) for name in ("distributed", "distributed.client")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


class _Crew:
    """The workers of a client, which come and go; waiting for them ends when all stay away."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._threads = 1
        self._counted_at_s = -math.inf
        self._seen_at_s = time.monotonic()

    def threads(self) -> int:
        """Return how many threads they have, as of a moment ago, and at least one."""
        now_s = time.monotonic()
        if now_s - self._counted_at_s > COUNT_HOLDS_S:
            threads = sum(self._client.nthreads().values())
            self._counted_at_s = now_s
            self._threads = max(1, threads)
            if threads:
                self._seen_at_s = now_s
            elif now_s - self._seen_at_s > AWAY_S:
                raise NoWorkers(f"There has been no Dask worker for {AWAY_S} s.")
        return self._threads

    def first_of(self, futures: list[Any]) -> Iterable[Any]:
        """Wait until some have come to an end, and return these."""
        return self._patiently(
            lambda: wait(futures, timeout=LOOK_S, return_when="FIRST_COMPLETED").done
        )

    def result_of(self, future: Any) -> Any:
        """Return a result; if the worker that had it is gone, once another has it again."""
        return self._patiently(lambda: future.result(timeout=LOOK_S))

    def _patiently(self, look: Callable[[], Result]) -> Result:
        while True:
            try:
                return look()
            except TimeoutError:
                self.threads()
            except CancelledError as error:
                raise NoWorkers("The Dask scheduler went away.") from error


@contextmanager
def _client_of(address: str) -> Iterator[Client]:
    try:
        client = Client(address, timeout=CONNECT_S)
    except (OSError, ValueError) as error:
        raise NoWorkers(f"No Dask scheduler answers at {address}: {error}") from error
    with client:
        try:
            client.wait_for_workers(1, timeout=FIRST_WORKER_S)
        except TimeoutError:
            raise NoWorkers(f"The Dask scheduler at {address} has no workers.") from None
        yield client
