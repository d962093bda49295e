"""Copies behind nginx, a core for each: how many more clips they answer together than one does."""

import argparse
import asyncio
import os
import ssl
import statistics
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx2

from service.audio.synthetic import synthetic_mp3
from service.cores import available_cores
from tests.nginx import nginx
from tests.proof.library.spent import cpu_s
from tests.proof.load import measure_capacity
from tests.server import COMMAND, TIMEOUT_S, service_process

# Of what so many copies would answer if nothing else took their cores, as clients and nginx do.
LEAST_SHARE = 0.75


@dataclass(frozen=True)
class Way:
    """A way to some copies: the address, whom to trust there, and the copies' process ids."""

    address: str
    verify: ssl.SSLContext | bool
    copies: Sequence[int]


@dataclass(frozen=True)
class Round:
    """What came of a round: clips a second, and the copies' processor time for each."""

    per_second: float
    cpu_ms: float


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this proof."""
    most = max(2, available_cores())
    parser.add_argument("--copies", type=int, default=most, help="[%(default)s]")
    parser.add_argument("--seconds", type=float, default=10.0, help="of a round [%(default)s]")
    parser.add_argument("--rounds", type=int, default=5, help="of each way, in turn [%(default)s]")


def run(options: argparse.Namespace, models: Path, log: Path) -> bool:
    """Measure one copy and all of them in turn; tell whether each of them brings its share."""
    copies: int = options.copies
    with ExitStack() as stack:
        ways = _ways(stack, copies, models, log.parent)
        rounds: dict[str, list[Round]] = {name: [] for name in ways}
        for number in range(options.rounds):
            for name in list(ways) if number % 2 == 0 else reversed(ways):
                rounds[name].append(asyncio.run(_round(ways[name], options.seconds)))
    for name, measured in rounds.items():
        sys.stdout.write(
            f"{name}: {statistics.median(one.per_second for one in measured):.1f} clips/s, "
            f"{statistics.median(one.cpu_ms for one in measured):.1f} ms of the copies' "
            "processor time each\n"
        )
    _, one, together = rounds.values()
    pairs = zip(together, one, strict=True)
    times = sorted(more.per_second / less.per_second for more, less in pairs)
    sys.stdout.write(
        f"{copies} copies answer {statistics.median(times):.2f} times as many as one "
        f"({times[0]:.2f} to {times[-1]:.2f} in {len(times)} pairs of rounds)\n"
    )
    return statistics.median(times) >= LEAST_SHARE * copies


def _ways(stack: ExitStack, count: int, models: Path, folder: Path) -> dict[str, Way]:
    cores = sorted(os.sched_getaffinity(0))
    started = [
        stack.enter_context(
            service_process(
                models,
                folder / f"copy{number}.log",
                COMMAND,
                {cores[number % len(cores)]},
                workers=1,
            )
        )
        for number in range(count)
    ]
    copies = [process.pid for process, _ in started]
    addresses = [client.base_url for _, client in started]
    ways = {"one copy without nginx": Way(str(addresses[0]), True, copies[:1])}
    for behind in (1, count):
        place = folder / f"nginx{behind}"
        place.mkdir(exist_ok=True)
        ports = [address.port or 0 for address in addresses[:behind]]
        client, _ = stack.enter_context(nginx(place, ports))
        verify = ssl.create_default_context(cafile=str(place / "tls.crt"))
        name = f"nginx and {behind} {'copy' if behind == 1 else 'copies'}"
        ways[name] = Way(str(client.base_url), verify, copies[:behind])
    return ways


async def _round(way: Way, seconds: float) -> Round:
    before_s = sum(map(cpu_s, way.copies))
    async with httpx2.AsyncClient(
        base_url=way.address, verify=way.verify, timeout=TIMEOUT_S
    ) as client:
        per_second = await measure_capacity(client, synthetic_mp3(), seconds)
    spent_s = sum(map(cpu_s, way.copies)) - before_s
    return Round(per_second, 1e3 * spent_s / (per_second * seconds))
