"""Every kind of request for a long time: the memory does not grow, and all answers are right."""

import argparse
import random
import statistics
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2

from tests.audio import ENCODINGS, encode_as, noise, tone
from tests.proof.memory import resident_mib
from tests.proof.mutation import mutated_file
from tests.server import service_process

CLIENTS = 3
WARM_UP_SHARE = 0.5
LARGEST_GROWTH = 1.1
EXPECTED = {200, 415, 422}


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this proof."""
    parser.add_argument("--minutes", type=float, default=60.0, help="[%(default)s]")


def run(options: argparse.Namespace, models: Path, log: Path) -> bool:
    """Keep a service busy; tell whether its memory stayed flat."""
    until = time.monotonic() + 60 * options.minutes
    statuses: Counter[int] = Counter()
    with service_process(models, log) as (process, client), ThreadPoolExecutor(CLIENTS) as threads:
        clients = [threads.submit(_use, client, n, until, statuses) for n in range(CLIENTS)]
        samples_mib = []
        pause = threading.Event()
        while time.monotonic() < until:
            pause.wait(2)
            samples_mib.append(resident_mib(process.pid))
        for one in clients:
            one.result()
    settled = samples_mib[int(WARM_UP_SHARE * len(samples_mib)) :]
    half = len(settled) // 2
    first, last = statistics.median(settled[:half]), statistics.median(settled[half:])
    sys.stdout.write(
        f"{sum(statuses.values())} requests in {options.minutes:g} minutes, by status "
        f"{dict(sorted(statuses.items()))}; "
        f"memory {first:.0f} MiB after the warm-up, {last:.0f} MiB at the end\n"
    )
    return set(statuses) <= EXPECTED and last < LARGEST_GROWTH * first


def _use(client: httpx2.Client, number: int, until: float, statuses: Counter[int]) -> None:
    rng = random.Random(number)  # noqa: S311  # no secret
    clips = [
        encode_as(name, make(duration_s=seconds, rate_hz=encoding.rate_hz))
        for name, encoding in ENCODINGS.items()
        for make in (tone, noise)
        for seconds in (1.0, 10.0, 30.0)
    ]
    while time.monotonic() < until:
        broken = rng.random() < 0.3
        data = mutated_file(rng.randrange(10**6))[1] if broken else rng.choice(clips)
        path = rng.choice(("/classify", "/classify/genre", "/classify/chord?timeline=true"))
        response = client.post(path, files={"file": ("clip", data)})
        statuses[response.status_code] += 1
