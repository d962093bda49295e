import asyncio
import threading

import pytest

from service.streaming.workers import StreamWorkers


def test_jobs_run_in_threads_of_their_own() -> None:
    workers = StreamWorkers(1)
    name = asyncio.run(workers.run(lambda: threading.current_thread().name))
    workers.close()
    assert name.startswith("stream")


def test_it_tells_whether_a_job_would_wait() -> None:
    async def run() -> None:
        go_on = threading.Event()
        jobs = [asyncio.create_task(workers.run(go_on.wait))]
        await asyncio.sleep(0)
        assert not workers.busy
        jobs.append(asyncio.create_task(workers.run(go_on.wait)))
        await asyncio.sleep(0)
        assert workers.busy
        go_on.set()
        await asyncio.gather(*jobs)
        assert not workers.busy

    workers = StreamWorkers(2)
    asyncio.run(run())
    workers.close()


def test_a_job_that_fails_fails_for_whoever_waits() -> None:
    workers = StreamWorkers(1)
    with pytest.raises(ZeroDivisionError):
        asyncio.run(workers.run(lambda: 1 / 0))
    assert not workers.busy
    workers.close()
