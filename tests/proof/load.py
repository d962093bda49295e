"""Requests at 0.5, 1 and 3 times the capacity: what is accepted keeps being answered, and soon."""

import argparse
import asyncio
import random
import statistics
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import httpx2

from service.audio.synthetic import synthetic_mp3
from service.cores import available_cores
from tests.server import TIMEOUT_S, service_process

SHARES = (0.5, 1.0, 3.0)
# Of the capacity that remains useful answers under three times as many requests.
LEAST_GOODPUT = 0.7
EXPECTED = {200, 503}


@dataclass(frozen=True)
class Answer:
    """One request's status and the time that it took."""

    status: int
    seconds: float


async def _post(client: httpx2.AsyncClient, data: bytes) -> Answer:
    began = time.perf_counter()
    headers = {"content-type": "audio/mpeg"}
    response = await client.post("/classify", content=data, headers=headers)
    return Answer(response.status_code, time.perf_counter() - began)


async def measure_capacity(client: httpx2.AsyncClient, data: bytes, seconds: float) -> float:
    """Return the answers per second when there are always a few more requests than workers."""
    until = time.perf_counter() + seconds
    count = 0

    async def one_client() -> None:
        nonlocal count
        while time.perf_counter() < until:
            await _post(client, data)
            count += 1

    await asyncio.gather(*[one_client() for _ in range(2 * available_cores())])
    return count / seconds


async def arrivals(
    client: httpx2.AsyncClient, data: bytes, per_second: float, seconds: float
) -> list[Answer]:
    """Send requests at random times, whether or not earlier ones are answered."""
    rng = random.Random(0)  # noqa: S311  # no secret
    began = time.perf_counter()
    due_s = 0.0
    requests = []
    while (due_s := due_s + rng.expovariate(per_second)) < seconds:
        await asyncio.sleep(max(0.0, began + due_s - time.perf_counter()))
        requests.append(asyncio.create_task(_post(client, data)))
    return await asyncio.gather(*requests)


def describe(share: float, answers: list[Answer], seconds: float) -> str:
    """Return one line of figures."""
    good = sorted(answer.seconds for answer in answers if answer.status == 200)
    refused = sorted(answer.seconds for answer in answers if answer.status == 503)

    def ms(values: list[float], quantile: float) -> str:
        return f"{1e3 * values[int(quantile * (len(values) - 1))]:.0f}" if values else "-"

    return (
        f"{share:g} x capacity: {len(answers) / seconds:.1f} requests/s, "
        f"{len(good) / seconds:.1f} answered/s, {len(refused)} refused; "
        f"ms to an answer: median {ms(good, 0.5)}, 95% {ms(good, 0.95)}, 99% {ms(good, 0.99)}; "
        f"to a refusal: median {ms(refused, 0.5)}\n"
    )


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this proof."""
    parser.add_argument("--seconds", type=float, default=60.0, help="for each rate [%(default)s]")
    parser.add_argument("--queue", type=int, default=32, help="SERVICE_QUEUE_SIZE [%(default)s]")


def run(options: argparse.Namespace, models: Path, log: Path) -> bool:
    """Measure the capacity, send requests at each rate, and tell whether the goodput held."""
    with service_process(models, log, queue_size=options.queue) as (_, client):
        return asyncio.run(_run(str(client.base_url), options.seconds))


async def _run(address: str, seconds: float) -> bool:
    data = synthetic_mp3()
    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=64)
    async with httpx2.AsyncClient(base_url=address, timeout=TIMEOUT_S, limits=limits) as client:
        capacity = statistics.median(
            [await measure_capacity(client, data, seconds / 6) for _ in range(3)]
        )
        sys.stdout.write(f"capacity: {capacity:.1f} clips/s of 30 s, for all tasks\n")
        statuses: set[int] = set()
        for share in SHARES:
            answers = await arrivals(client, data, share * capacity, seconds)
            sys.stdout.write(describe(share, answers, seconds))
            statuses |= {answer.status for answer in answers}
    goodput = sum(answer.status == 200 for answer in answers) / seconds
    return statuses <= EXPECTED and goodput >= LEAST_GOODPUT * capacity
