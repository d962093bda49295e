import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest

from service.deadline import Deadline
from service.errors import DeadlineExceeded, UnusableAudio
from service.intake.admission import Admission
from service.intake.workers import WorkerPool

SOON_S = 10.0
LATE_S = 0.25


@pytest.fixture
def pool() -> Iterator[WorkerPool]:
    """A pool with one worker."""
    made = WorkerPool(workers=1)
    yield made
    made.close()


@pytest.fixture
def places() -> Admission:
    """Where the jobs' places come from."""
    return Admission(capacity=3, min_upload_bytes_per_s=0)


class Gate:
    """A job that waits until it is let through."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.opened = threading.Event()

    def __call__(self) -> str:
        self.entered.set()
        assert self.opened.wait(SOON_S)
        return "through"


def soon() -> Deadline:
    return Deadline.within(SOON_S)


def late() -> Deadline:
    return Deadline.within(LATE_S)


def run(scenario: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(scenario())


async def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SOON_S
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.001)


def test_the_result_of_a_job_comes_back_from_another_thread(
    pool: WorkerPool, places: Admission
) -> None:
    async def scenario() -> None:
        assert await pool.run(threading.get_ident, places.enter(), soon()) != threading.get_ident()
        assert await pool.run(lambda: 6 * 7, places.enter(), soon()) == 42
        await until(lambda: places.pending == 0)

    run(scenario)


def test_an_exception_of_a_job_reaches_the_caller_and_frees_its_place(
    pool: WorkerPool, places: Admission
) -> None:
    def job() -> None:
        raise UnusableAudio("broken")

    async def scenario() -> None:
        for _ in range(5):
            with pytest.raises(UnusableAudio, match="broken"):
                await pool.run(job, places.enter(), soon())
            await until(lambda: places.pending == 0)

    run(scenario)


def test_the_event_loop_stays_free_while_a_job_runs(pool: WorkerPool, places: Admission) -> None:
    async def scenario() -> None:
        gate = Gate()
        running = asyncio.create_task(pool.run(gate, places.enter(), soon()))
        await until(gate.entered.is_set)
        assert places.pending == 1
        gate.opened.set()
        assert await running == "through"

    run(scenario)


def test_as_many_jobs_run_at_once_as_there_are_workers(places: Admission) -> None:
    pool = WorkerPool(workers=3)
    together = threading.Barrier(3, timeout=SOON_S)

    async def scenario() -> None:
        await asyncio.gather(*[pool.run(together.wait, places.enter(), soon()) for _ in range(3)])

    run(scenario)
    pool.close()


def test_a_late_job_exceeds_the_deadline_and_holds_its_place_until_it_ends(
    pool: WorkerPool, places: Admission
) -> None:
    gate = Gate()

    async def scenario() -> None:
        with pytest.raises(DeadlineExceeded, match=f"within {LATE_S} s"):
            await pool.run(gate, places.enter(), late())
        assert places.pending == 1
        gate.opened.set()
        await until(lambda: places.pending == 0)

    run(scenario)


def test_a_job_that_waited_past_the_deadline_never_begins_and_frees_its_place(
    pool: WorkerPool, places: Admission
) -> None:
    gate = Gate()
    begun = threading.Event()

    async def scenario() -> None:
        blocking = asyncio.create_task(pool.run(gate, places.enter(), soon()))
        await until(gate.entered.is_set)
        with pytest.raises(DeadlineExceeded):
            await pool.run(begun.set, places.enter(), late())
        await until(lambda: places.pending == 1)
        gate.opened.set()
        assert await blocking == "through"

    run(scenario)
    assert not begun.is_set()


def test_a_caller_that_gives_up_takes_its_waiting_job_along(
    pool: WorkerPool, places: Admission
) -> None:
    gate = Gate()
    begun = threading.Event()

    async def scenario() -> None:
        blocking = asyncio.create_task(pool.run(gate, places.enter(), soon()))
        await until(gate.entered.is_set)
        waiting = asyncio.create_task(pool.run(begun.set, places.enter(), soon()))
        await until(lambda: places.pending == 2)
        await asyncio.sleep(0)  # it begins to wait
        waiting.cancel()
        await until(lambda: places.pending == 1)
        gate.opened.set()
        assert await blocking == "through"

    run(scenario)
    assert not begun.is_set()


def test_closing_waits_for_running_jobs_and_drops_waiting_ones(
    pool: WorkerPool, places: Admission
) -> None:
    gate = Gate()
    begun = threading.Event()

    async def scenario() -> None:
        running = asyncio.create_task(pool.run(gate, places.enter(), soon()))
        waiting = asyncio.create_task(pool.run(begun.set, places.enter(), soon()))
        await until(gate.entered.is_set)
        threading.Timer(0.05, gate.opened.set).start()
        await asyncio.to_thread(pool.close)
        assert await running == "through"
        with pytest.raises(asyncio.CancelledError):
            await waiting

    run(scenario)
    assert not begun.is_set()


def test_jobs_wait_until_a_worker_begins_them(pool: WorkerPool, places: Admission) -> None:
    async def scenario() -> None:
        gate = Gate()
        jobs = [asyncio.create_task(pool.run(gate, places.enter(), soon())) for _ in range(3)]
        await until(lambda: gate.entered.is_set() and pool.waiting == 2)
        gate.opened.set()
        await asyncio.gather(*jobs)
        assert pool.waiting == 0

    run(scenario)
