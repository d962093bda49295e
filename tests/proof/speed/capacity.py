"""How many clips a second are answered: on one core, on two, and by the plain way."""

import asyncio
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx2

from service.audio.synthetic import synthetic_mp3
from tests.proof.speed.processor import processor_s
from tests.proof.speed.rows import Row
from tests.server import COMMAND, ROOT, TIMEOUT_S, pinned, service_process, wait_for

PLAIN = [sys.executable, "-m", "tests.proof.speed.plain"]
ROUNDS = 3
IN_FLIGHT_PER_CORE = 2
PLAIN_START_S = 180.0  # TensorFlow takes its time, more so on a busy machine


@dataclass
class Load:
    """A service that is kept busy now and then.

    Attributes
    ----------
    address, process_id, path
        Where it is, and what is posted to.
    cores
        Those that it has, and its clients too.
    per_s
        Answers a second, of each round.
    seconds
        From each request to its answer.
    processor_s
        Processor time of an answer, of each round.
    """

    address: str
    process_id: int
    path: str
    cores: set[int]
    per_s: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    processor_s: list[float] = field(default_factory=list)

    async def keep_busy(self, data: bytes, duration_s: float) -> None:
        """Have always a few more requests under way than there are cores."""
        began_s, spent_s, before = time.perf_counter(), processor_s(self.process_id), self.n
        async with httpx2.AsyncClient(base_url=self.address, timeout=TIMEOUT_S) as client:

            async def ask() -> None:
                while (now_s := time.perf_counter()) < began_s + duration_s:
                    files = {"file": ("clip.mp3", data)}
                    (await client.post(self.path, files=files)).raise_for_status()
                    self.seconds.append(time.perf_counter() - now_s)

            await asyncio.gather(*[ask() for _ in range(IN_FLIGHT_PER_CORE * len(self.cores))])
        answered = self.n - before
        self.per_s.append(answered / (time.perf_counter() - began_s))
        self.processor_s.append((processor_s(self.process_id) - spent_s) / answered)

    @property
    def n(self) -> int:
        """Requests that were answered."""
        return len(self.seconds)

    def quantile_s(self, share: float) -> float:
        """Return the time that so many of the answers took at most."""
        return sorted(self.seconds)[int(share * (self.n - 1))]


def measure(models: Path, log: Path, cores: list[int], seconds: float) -> Iterator[Row]:
    """Keep one service after the other busy, in turns, so that other work meets all alike.

    Clients run on the cores of the service that they ask: where there are no others than its two,
    they would help one core only.
    """
    one, two = {cores[0]}, set(cores[:2])
    data = synthetic_mp3()
    with (
        service_process(models, log, COMMAND, one, workers=1) as (process, client),
        service_process(models, log.with_suffix(".two"), COMMAND, two, workers=2) as (
            both,
            to_both,
        ),
        plain_process(log.with_suffix(".plain"), two) as (plain, plain_address),
    ):
        single = Load(str(client.base_url), process.pid, "/classify", one)
        double = Load(str(to_both.base_url), both.pid, "/classify", two)
        genre = Load(str(to_both.base_url), both.pid, "/classify/genre", two)
        other = Load(plain_address, plain.pid, "/classify", two)
        for load in (single, double, genre, other):
            keep_busy(load, data, 1.0)  # warms it up
            load.per_s, load.seconds, load.processor_s = [], [], []
        for _ in range(ROUNDS):
            for load in (single, double, genre, other):
                keep_busy(load, data, seconds / ROUNDS)
    named = {"all tasks, one core": single, "all tasks": double, "genre": genre, "plain": other}
    for name, load in named.items():
        yield Row(
            f"throughput: {name}",
            statistics.median(load.per_s),
            "/s",
            processor=len(load.cores) / statistics.median(load.processor_s),
        )
    yield _ratio("two cores, times one", double, single, len(two), at_least=1.9)
    yield _ratio("genre, times the plain way", genre, other, 1, at_least=6.0)
    yield _ratio("all tasks, times the plain way", double, other, 1)
    yield Row(
        "99% of the answers at capacity, times the median",
        double.quantile_s(0.99) / double.quantile_s(0.5),
        at_most=3.0,
    )


def keep_busy(load: Load, data: bytes, duration_s: float) -> None:
    """Keep a service busy for some time, from its own cores."""
    with pinned(load.cores):
        asyncio.run(load.keep_busy(data, duration_s))


def _ratio(what: str, load: Load, to: Load, cores: int, at_least: float | None = None) -> Row:
    return Row(
        f"throughput: {what}",
        statistics.median(load.per_s) / statistics.median(to.per_s),
        at_least=at_least,
        processor=cores * statistics.median(to.processor_s) / statistics.median(load.processor_s),
    )


@contextmanager
def plain_process(log: Path, cores: set[int]) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """Start the plain service and wait until it answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with log.open("wb") as output, pinned(cores):
        process = subprocess.Popen(  # noqa: S603  # our own command
            [*PLAIN, str(port)], cwd=ROOT, stdout=output, stderr=subprocess.STDOUT
        )
    with process:
        try:
            wait_for(lambda: _answers(port), process, log, PLAIN_START_S)
            yield process, f"http://127.0.0.1:{port}"
        finally:
            process.kill()


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
