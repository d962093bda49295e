"""Send broken files: every answer is a documented one, soon, and the memory stays flat."""

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import httpx2

from tests.proof.memory import resident_mib
from tests.proof.mutation import mutated_file
from tests.server import service_process

EXPECTED = {200, 413, 415, 422}
LONGEST_S = 5.0
CLIENTS = 4
WARM_UP_FILES = 300
# Heaps grow to the largest of all files and stay so; what leaks grows with the same files again.
LARGEST_GROWTH_MIB = 24.0


@dataclass
class Outcome:
    """What came of all files."""

    statuses: Counter[str] = field(default_factory=Counter)
    slowest_s: float = 0.0
    failures: list[str] = field(default_factory=list)

    def note(self, name: str, number: int, status: int, seconds: float) -> None:
        """Add one answer."""
        self.statuses[f"{name} {status}"] += 1
        self.slowest_s = max(self.slowest_s, seconds)
        if status not in EXPECTED or seconds > LONGEST_S:
            self.failures.append(f"file {number} ({name}): {status} after {seconds:.2f} s")


def fuzz(
    post: Callable[[bytes], int],
    numbers: Iterable[int],
    seed: int,
    until_s: float = float("inf"),
    outcome: Outcome | None = None,
) -> Outcome:
    """Send the files of some numbers, until a time of :func:`time.monotonic` at most.

    What comes of them is added to an outcome that is given.
    """
    outcome = Outcome() if outcome is None else outcome

    def send(number: int) -> None:
        if time.monotonic() > until_s:
            return
        name, data = mutated_file(number, seed)
        began = time.perf_counter()
        status = post(data)
        outcome.note(name, number, status, time.perf_counter() - began)

    with ThreadPoolExecutor(CLIENTS) as threads:
        list(threads.map(send, numbers))
    return outcome


def poster(client: httpx2.Client, path: str = "/classify") -> Callable[[bytes], int]:
    """Return a function that sends an upload and returns the status of the answer."""

    def post(data: bytes) -> int:
        headers = {"content-type": "application/octet-stream"}
        return client.post(path, content=data, headers=headers).status_code

    return post


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this proof."""
    parser.add_argument(
        "--files",
        type=int,
        default=20_000,
        help="files to send, and half of them again [%(default)s]",
    )
    parser.add_argument("--seed", type=int, default=0, help="another seed, other files [0]")
    parser.add_argument("--minutes", type=float, default=60.0, help="stop after [%(default)s]")


def run(options: argparse.Namespace, models: Path, log: Path) -> bool:
    """Send the files to a service of its own; tell whether it stood them all."""
    with service_process(models, log) as (process, client):
        post = poster(client)
        fuzz(post, range(-WARM_UP_FILES, 0), options.seed)
        outcome, memory_mib = Outcome(), [resident_mib(process.pid)]
        began = time.monotonic()
        until_s = began + 60 * options.minutes
        for numbers in (range(options.files), range(options.files // 2)):
            fuzz(post, numbers, options.seed, until_s, outcome)
            memory_mib.append(resident_mib(process.pid))
        seconds = time.monotonic() - began
        figures = client.get("/metrics").text
        alive = process.poll() is None
    replaced = [line for line in figures.splitlines() if "decoders_replaced_total" in line]
    sent = sum(outcome.statuses.values())
    sys.stdout.write(f"{sent} files in {seconds:.0f} s, slowest answer {outcome.slowest_s:.2f} s\n")
    told = "memory {:.0f} MiB before, {:.0f} after, {:.0f} after half of them again\n"
    sys.stdout.write(told.format(*memory_mib))
    for status, count in sorted(outcome.statuses.items()):
        sys.stdout.write(f"  {status}: {count}\n")
    sys.stdout.writelines(f"  {line}\n" for line in replaced if not line.startswith("#"))
    sys.stdout.writelines(f"FAILED {failure}\n" for failure in outcome.failures)
    is_flat = memory_mib[2] < memory_mib[1] + LARGEST_GROWTH_MIB
    return alive and not outcome.failures and is_flat
