"""What holds the event loop longest, while everything that the service offers is asked for."""

import json
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from subprocess import Popen

import httpx2

from service.audio.synthetic import synthetic_mp3
from tests.proof.speed.clips import as_wav
from tests.proof.speed.rows import Row
from tests.proof.speed.watched import Longest
from tests.server import COMMAND, service_process, wait_for

CLIENTS = 4
ROUNDS = 6
LONGEST_MS = 5.0
PAGES = ("/", "/docs", "/openapi.json", "/asyncapi.json", "/models", "/models/chord", "/metrics")


def measure(models: Path, log: Path, core: int) -> Iterator[Row]:
    """Ask for everything several times, by a few clients at once; the first time counts too."""
    told = log.with_suffix(".held")
    command = [COMMAND[0], "-m", "tests.proof.speed.watched", str(told)]
    mp3 = synthetic_mp3()
    clips = [(mp3, "audio/mpeg"), (as_wav(mp3), "audio/wav")]
    with service_process(models, log, command, {core}, workers=1) as started:
        process, client = started
        _longest(process, told, log)  # of the start, when nobody waits
        for _ in range(ROUNDS):
            _use(client, clips)
        held = _longest(process, told, log)
    yield Row(
        f"longest hold of the event loop ({held.what})",
        1e3 * held.wall_s,
        "ms",
        at_most=LONGEST_MS,
        processor=1e3 * held.processor_s,
    )


def _use(client: httpx2.Client, clips: list[tuple[bytes, str]]) -> None:
    with ThreadPoolExecutor(CLIENTS) as threads:
        asked = [
            threads.submit(client.post, path, content=data, headers={"content-type": media_type})
            for path in ("/classify", "/classify/chord?timeline=true", "/classify/genre")
            for data, media_type in clips
        ]
        asked += [
            threads.submit(client.post, "/classify", files={"file": ("clip", data)})
            for data, _ in clips
        ]
        asked += [threads.submit(client.get, page) for page in PAGES]
    for one in asked:
        one.result().raise_for_status()


def _longest(process: Popen[bytes], told: Path, log: Path) -> Longest:
    """Ask the service what held it since the last time."""
    told.unlink(missing_ok=True)
    process.send_signal(signal.SIGUSR1)
    wait_for(told.exists, process, log)
    return Longest(**json.loads(told.read_text()))
