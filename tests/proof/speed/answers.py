"""How long one answer takes, beside bare decoding of the same file by soundfile, on one core."""

import io
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import soundfile

from service.audio.synthetic import synthetic_mp3
from tests.proof.speed.clips import as_wav
from tests.proof.speed.processor import processor_s
from tests.proof.speed.rows import Row
from tests.server import COMMAND, pinned, service_process

MEDIA_TYPES = {"MP3": "audio/mpeg", "WAV": "audio/wav"}
# What is posted where, and how many times the bare decoding it may take.
GOALS: dict[tuple[str, str], float | None] = {
    ("/classify/genre", "MP3"): 2.0,
    ("/classify/genre", "WAV"): 6.0,
    ("/classify/chord", "MP3"): None,
    ("/classify/chord", "WAV"): None,
    ("/classify/emotion", "MP3"): None,
    ("/classify/emotion", "WAV"): None,
    ("/classify", "MP3"): 3.0,
    ("/classify", "WAV"): None,
}
WARM_UP_ROUNDS = 3


@dataclass
class Times:
    """The same work done several times: seconds by the clock, and of processor time."""

    wall_s: list[float] = field(default_factory=list)
    processor_s: list[float] = field(default_factory=list)

    def add(self, work: Callable[[], object], processor: Callable[[], float]) -> None:
        """Do it once more."""
        spent_s, began_s = processor(), time.perf_counter()
        work()
        self.wall_s.append(time.perf_counter() - began_s)
        self.processor_s.append(processor() - spent_s)


def measure(models: Path, log: Path, core: int, rounds: int) -> Iterator[Row]:
    """Post to each endpoint in turn, with a bare decoding before each round.

    By the clock, the fastest of the rounds counts, as other work on the machine only adds to it;
    of processor time, the median.
    """
    clips = {"MP3": synthetic_mp3()}
    clips["WAV"] = as_wav(clips["MP3"])
    bare = {name: Times() for name in clips}
    answers = {case: Times() for case in GOALS}
    with service_process(models, log, COMMAND, {core}, workers=1) as (process, client):
        for number in range(WARM_UP_ROUNDS + rounds):
            if number == WARM_UP_ROUNDS:
                bare, answers = {n: Times() for n in clips}, {case: Times() for case in GOALS}
            with pinned({core}):
                for name, times in bare.items():
                    times.add(_decoding(clips[name]), time.thread_time)
            for (path, name), times in answers.items():
                times.add(
                    _post(client, path, clips[name], MEDIA_TYPES[name]),
                    lambda: processor_s(process.pid),
                )
    for name, times in bare.items():
        yield Row(
            f"bare decoding of 30 s of {name}",
            1e3 * min(times.wall_s),
            "ms",
            processor=1e3 * statistics.median(times.processor_s),
        )
    for (path, name), times in answers.items():
        yield Row(
            f"{path} {name}, times the bare decoding",
            min(times.wall_s) / min(bare[name].wall_s),
            at_most=GOALS[path, name],
            processor=statistics.median(times.processor_s)
            / statistics.median(bare[name].processor_s),
        )


def _decoding(data: bytes) -> Callable[[], object]:
    return lambda: soundfile.read(io.BytesIO(data), dtype="float32")


def _post(client: httpx2.Client, path: str, data: bytes, media_type: str) -> Callable[[], object]:
    def post() -> None:
        client.post(path, content=data, headers={"content-type": media_type}).raise_for_status()

    return post
