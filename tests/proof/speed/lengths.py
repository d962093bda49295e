"""What long recordings cost: in proportion to their length, and how much memory."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2

from tests.proof.memory import forget_peak, peak_mib
from tests.proof.speed.clips import fast_flac, long_mp3
from tests.proof.speed.processor import processor_s
from tests.proof.speed.rows import Row
from tests.server import COMMAND, Server, service_process

LENGTHS_S = (1, 10, 60, 600, 3600)
FAST_S = 900
DEADLINE_S = 30.0  # of the settings as they are
SLOW_CORE = 2.0  # how many times as long it may take there
LONGEST_RUN_S = 600.0


def measure(models: Path, log: Path, core: int, lengths_s: tuple[int, ...]) -> Iterator[Row]:
    """Post ever longer recordings for all tasks to a service that takes them."""
    spent: dict[int, float] = {}
    memory: dict[int, float] = {}
    longest_s = 1.1 * max(lengths_s)
    with patient_service(models, log, core, max_duration_s=longest_s) as (process, client):
        timed(process.pid, client, long_mp3(1), "audio/mpeg")  # warms it up
        for length_s in lengths_s:
            data = long_mp3(length_s)
            forget_peak(process.pid)
            wall_s, spent[length_s] = timed(process.pid, client, data, "audio/mpeg")
            memory[length_s] = peak_mib(process.pid)
            yield Row(
                f"all tasks, {length_s} s of MP3, times faster than it plays",
                length_s / wall_s,
                at_least=300.0 if length_s == 600 else None,
                processor=length_s / spent[length_s],
            )
            yield Row(f"memory for {length_s} s", memory[length_s], "MiB")
    shorter, longest = lengths_s[-2:]
    yield Row(
        f"a second of {longest} s costs, times one of {shorter} s",
        spent[longest] / longest / (spent[shorter] / shorter),
        at_most=1.1,
    )
    yield Row(
        f"memory for {longest} s, times that for {lengths_s[0]} s",
        memory[longest] / memory[lengths_s[0]],
        at_most=1.1,
    )


def measure_fast(models: Path, log: Path, core: int) -> Iterator[Row]:
    """Post the longest recording of the default settings, sampled at 192 kHz."""
    data = fast_flac(FAST_S)
    with patient_service(models, log, core) as (process, client):
        wall_s, spent_s = timed(process.pid, client, data, "audio/flac")
        yield Row(
            f"all tasks, {FAST_S} s of FLAC at 192 kHz ({len(data) / 1e6:.0f} MB)",
            wall_s,
            "s",
            at_most=DEADLINE_S / SLOW_CORE,
            processor=spent_s,
        )


@contextmanager
def patient_service(models: Path, log: Path, core: int, **settings: object) -> Iterator[Server]:
    """Start a service on one core that takes large uploads, and its time for them."""
    patient = {"workers": 1, "max_upload_bytes": 1 << 30, "deadline_s": LONGEST_RUN_S}
    with service_process(models, log, COMMAND, {core}, **patient, **settings) as (process, client):
        client.timeout = httpx2.Timeout(LONGEST_RUN_S)
        yield process, client


def timed(
    process_id: int, client: httpx2.Client, data: bytes, media_type: str
) -> tuple[float, float]:
    """Have a recording classified for all tasks; return seconds by the clock and of processors."""
    before_s, began_s = processor_s(process_id), time.perf_counter()
    headers = {"content-type": media_type}
    client.post("/classify", content=data, headers=headers).raise_for_status()
    wall_s = time.perf_counter() - began_s
    return wall_s, processor_s(process_id) - before_s
