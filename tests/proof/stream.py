"""A hundred live streams at once: slower answers, no errors, and uploads keep being answered."""

import argparse
import asyncio
import json
import statistics
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from service.audio.synthetic import synthetic_mp3
from tests.proof.memory import resident_mib
from tests.server import TIMEOUT_S, service_process
from training.data.labels import chord_label
from training.synthesis.guitar import GuitarSound, render_chord
from training.synthesis.waveform import Waveform

RATE_HZ = 44_100
MESSAGE_S = 0.05
CHORD_S = 2.0
N_CHORDS = 12
# What one stream of all tasks may cost of a core, and how late a chord may be told in the median.
LARGEST_SHARE = 0.08
LATEST_CHORD_S = 0.6
SHARE_OF_CHORDS = 0.9  # that are told in that time
KILLED = 10  # of the streams, without a word, in the middle


@dataclass
class Outcome:
    """What became of one stream.

    Attributes
    ----------
    sent_s
        When each message began to be sent, since the first.
    answers
        When each answer came, since the first message, and the answer.
    code
        What it was closed with.
    """

    sent_s: list[float] = field(default_factory=list)
    answers: list[tuple[float, dict[str, Any]]] = field(default_factory=list)
    code: int | None = None


def song(seed: int) -> tuple[bytes, list[str]]:
    """Return a progression of a rendered guitar as bytes, pcm_s16le, and its chords."""
    rng = np.random.default_rng(seed)
    names: list[str] = []
    parts: list[Waveform] = []
    while len(parts) < N_CHORDS:
        root, quality = int(rng.integers(12)), str(rng.choice(["maj", "min"]))
        if names and chord_label(root, quality) == names[-1]:
            continue
        names.append(chord_label(root, quality))
        parts.append(render_chord(root, quality, CHORD_S, RATE_HZ, rng, GuitarSound()))
    samples = np.concatenate(parts)
    return np.round(samples / np.abs(samples).max() * 20_000).astype("<i2").tobytes(), names


@asynccontextmanager
async def _stream(url: str, outcome: Outcome) -> AsyncIterator[ClientConnection]:
    async with connect(f"{url}/stream", compression=None, open_timeout=TIMEOUT_S) as stream:
        start = {"sample_rate_hz": RATE_HZ, "channels": 1, "encoding": "pcm_s16le"}
        await stream.send(json.dumps(start))
        began_s = time.perf_counter()
        reading = asyncio.create_task(_read(stream, outcome, began_s))
        try:
            yield stream
        finally:
            await reading
            outcome.code = stream.close_code


async def _read(stream: ClientConnection, outcome: Outcome, began_s: float) -> None:
    try:
        async for message in stream:
            outcome.answers.append((time.perf_counter() - began_s, json.loads(message)))
    except ConnectionClosed:
        pass


async def listen(url: str, data: bytes, *, message_s: float, killed: bool = False) -> Outcome:
    """Send audio at its own pace; with killed, drop the connection half way without a word."""
    outcome = Outcome()
    size = round(message_s * RATE_HZ) * 2
    async with _stream(url, outcome) as stream:
        began_s = time.perf_counter()
        for start in range(0, len(data) // (2 if killed else 1), size):
            # A block has sounded at its end.
            due_s = began_s + (start + size) / 2 / RATE_HZ
            await asyncio.sleep(max(0.0, due_s - time.perf_counter()))
            outcome.sent_s.append(time.perf_counter() - began_s)
            await stream.send(data[start : start + size])
        if killed:
            stream.transport.abort()
        else:
            await stream.send(json.dumps({"end": True}))
    return outcome


def chord_delays_s(outcome: Outcome, names: Sequence[str]) -> list[float | None]:
    """Return how long after each change of chord it was told; None if it never was."""
    delays: list[float | None] = []
    for number, name in enumerate(names[1:], start=1):
        change_s, end_s = number * CHORD_S, (number + 1) * CHORD_S
        told_s = [
            at_s
            for at_s, answer in outcome.answers
            if answer["heard_s"] > change_s
            and answer["heard_s"] <= end_s
            and answer["now"]["chord"]["label"] == name
        ]
        delays.append(told_s[0] - change_s if told_s else None)
    return delays


def cpu_s(process_id: int) -> float:
    """Return the processor time that a process has taken."""
    fields = Path(f"/proc/{process_id}/stat").read_text("ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this proof."""
    parser.add_argument("--streams", type=int, default=100, help="at once [%(default)s]")
    parser.add_argument("--songs", type=int, default=5, help="heard alone [%(default)s]")


def run(options: argparse.Namespace, models: Path, log: Path) -> bool:
    """Measure one stream alone, then many with uploads beside them; tell whether all held."""
    with service_process(models, log, max_streams=options.streams) as (process, client):
        address = str(client.base_url).rstrip("/")
        alone = asyncio.run(_alone(process.pid, address, options.songs))
        many = asyncio.run(_many(process.pid, address, options.streams))
        return alone and many and process.poll() is None


async def _alone(process_id: int, address: str, songs: int) -> bool:
    url = address.replace("http", "ws", 1)
    delays: list[float | None] = []
    spent_s, began_s = cpu_s(process_id), time.perf_counter()
    for seed in range(songs):
        data, names = song(seed)
        delays += chord_delays_s(await listen(url, data, message_s=MESSAGE_S), names)
    share = (cpu_s(process_id) - spent_s) / (time.perf_counter() - began_s)
    told = sorted(delay for delay in delays if delay is not None)
    in_time = sum(delay <= LATEST_CHORD_S for delay in told) / len(delays)
    sys.stdout.write(
        f"one stream of all tasks: {100 * share:.1f}% of a core; {len(delays)} changes of chord, "
        f"{len(delays) - len(told)} never told, {100 * in_time:.0f}% within {LATEST_CHORD_S} s, "
        f"median {statistics.median(told):.2f} s, 95% {told[int(0.95 * len(told))]:.2f} s\n"
    )
    return share <= LARGEST_SHARE and in_time >= SHARE_OF_CHORDS


async def _many(process_id: int, address: str, n_streams: int) -> bool:
    url = address.replace("http", "ws", 1)
    data, _ = song(0)
    uploads: list[float] = []
    uploading = asyncio.create_task(_upload(address, uploads))
    spent_s, began_s = cpu_s(process_id), time.perf_counter()
    listening = [
        asyncio.create_task(listen(url, data, message_s=0.1, killed=number < KILLED))
        for number in range(n_streams)
    ]
    await asyncio.sleep(N_CHORDS * CHORD_S * 0.9)
    memory_mib = resident_mib(process_id)
    outcomes = await asyncio.gather(*listening)
    seconds = time.perf_counter() - began_s
    cores = (cpu_s(process_id) - spent_s) / seconds
    uploading.cancel()
    whole = outcomes[KILLED:]
    late = sorted(at_s - a["heard_s"] for one in whole for at_s, a in one.answers)
    per_s = statistics.median(len(one.answers) / (N_CHORDS * CHORD_S) for one in whole)
    finals = sum(one.code == 1000 and one.answers[-1][1].get("final", False) for one in whole)
    sys.stdout.write(
        f"{n_streams} streams, {KILLED} of them killed: {finals} of {len(whole)} ended well after "
        f"{seconds:.0f} s; {per_s:.1f} answers/s each, late by {statistics.median(late):.2f} s in "
        f"the median, {late[int(0.95 * len(late))]:.2f} s in 95%; {cores:.2f} cores, "
        f"{memory_mib:.0f} MiB; {len(uploads)} uploads of 30 s beside them, answered in "
        f"{statistics.median(uploads):.2f} s in the median, {max(uploads):.2f} s at most\n"
    )
    return finals == len(whole) and bool(uploads)


async def _upload(address: str, seconds: list[float]) -> None:
    clip = synthetic_mp3()
    async with httpx2.AsyncClient(base_url=address, timeout=TIMEOUT_S) as client:
        while True:
            began_s = time.perf_counter()
            headers = {"content-type": "audio/mpeg"}
            response = await client.post("/classify", content=clip, headers=headers)
            response.raise_for_status()
            seconds.append(time.perf_counter() - began_s)
            await asyncio.sleep(1)
