"""The process that decodes uploads: ``python -m service.decoding.process``, started by the service.

Decoders are large bodies of C that read what strangers send. This process holds nothing but
them: when a file hangs or crashes one, the process is killed and replaced (see
:mod:`service.decoding.pool`), and the service goes on. One that a file takes over can open neither
files nor connections (see :mod:`service.decoding.sandbox`). It ends when the service closes its
end.
"""

import contextlib
import os
import resource
import signal
import socket
import sys
import time
from typing import Any

import numpy as np

from service.audio.decode import Clip, Limits, hear
from service.audio.excerpt import Excerpt
from service.audio.readers.source import BLOCK_FRAMES, Samples
from service.decoding import sandbox, wire
from service.decoding.warm_up import warm_up
from service.errors import ServiceError, UnusableAudio
from service.heap import keep_freed_memory

MAX_UPLOAD_BYTES = 1 << 40  # the service has counted the bytes already
SAMPLE_BYTES = 4
# Address space for Python and the libraries, and how often a block of all channels and the upload
# are held at the same time at most.
BASE_MEMORY_BYTES = 512 * 1024 * 1024
BLOCK_COPIES = 4
UPLOAD_COPIES = 4
# The service kills a decoder at the deadline; this ends one whose service is gone.
SPARE_CPU_S = 2
STDERR = 2
READY = {"ready": True}
BEGIN = {"begin": True}
# The file needs FFmpeg, which this process was started without.
LACKS_FFMPEG = {"lacks": "ffmpeg"}
WITH_FFMPEG = "--with-ffmpeg"
FFMPEG_READER = "service.audio.readers.ffmpeg"
RATE = "rate_hz"
# So much of a waveform is sent at once, a minute or so: each time that processes take turns, both
# find their caches cold; with blocks of a second and a half, an answer takes a quarter longer.
MESSAGE_BYTES = 1 << 22


def main() -> int:
    """Decode what comes through standard input, a socket, until it is closed."""
    _be_expendable()
    _silence_native_code()
    keep_freed_memory()
    with_ffmpeg = WITH_FFMPEG in sys.argv[1:]
    with socket.socket(fileno=sys.stdin.fileno()) as connection:
        warm_up(with_ffmpeg=with_ffmpeg)
        if not with_ffmpeg:
            # As Python has it, so that importing it fails before anything is opened.
            sys.modules[FFMPEG_READER] = None  # type: ignore[assignment]
        sandbox.close_off()
        with contextlib.suppress(wire.BrokenMessage, ConnectionError):
            wire.send(connection, READY)
            while True:
                # In a function, so that nothing of this upload is held when the next one comes.
                _answer_next(connection)
    return 0


class Sender:
    """Sends the service what it hears; see :class:`service.audio.recording.Listener`."""

    def __init__(self, connection: socket.socket, rates_hz: list[int]) -> None:
        self.rates_hz = rates_hz
        self._connection = connection
        self._waiting = {rate_hz: bytearray() for rate_hz in rates_hz}
        self._sent = False

    def begin(self) -> None:
        """Let the service forget what it got, if it got anything."""
        self._waiting = {rate_hz: bytearray() for rate_hz in self.rates_hz}
        if self._sent:
            wire.send(self._connection, BEGIN)

    def add(self, rate_hz: int, samples: Samples) -> None:
        """Send the next samples at one of the rates, once they are enough for a message."""
        self._waiting[rate_hz] += np.ascontiguousarray(samples).data
        if len(self._waiting[rate_hz]) >= MESSAGE_BYTES:
            self._send(rate_hz)

    def end(self) -> None:
        """Send what is left."""
        for rate_hz in self.rates_hz:
            self._send(rate_hz)

    def _send(self, rate_hz: int) -> None:
        self._sent = True
        wire.send(self._connection, {RATE: rate_hz}, self._waiting[rate_hz])
        self._waiting[rate_hz].clear()


def answer(
    data: bytes,
    sender: Sender,
    limits: dict[str, Any],
    excerpt: dict[str, Any],
    seconds: float,
) -> wire.Header:
    """Send the waveforms of a clip; return the message that describes it, or the problem."""
    bounds = Limits(**limits)
    _limit_resources(len(data), bounds, seconds)
    try:
        clip = hear(data, sender, bounds, Excerpt(**excerpt))
        sender.end()
    except ModuleNotFoundError as error:
        if error.name != FFMPEG_READER:
            raise
        return LACKS_FFMPEG
    except MemoryError:
        return _problem(UnusableAudio("Decoding the file needs more memory than it may."))
    except ServiceError as error:
        # Not kept in a variable: its traceback holds this call, and all samples, in a circle that
        # is broken so late that the next uploads find no memory.
        return _problem(error)
    return _description(clip)


def _answer_next(connection: socket.socket) -> None:
    request, data = wire.receive_bytes(connection, MAX_UPLOAD_BYTES)
    sender = Sender(connection, request.pop("rates_hz"))
    wire.send(connection, answer(data, sender, **request))


def _problem(error: ServiceError) -> wire.Header:
    return {"problem": error.slug(), "detail": error.detail}


def _description(clip: Clip) -> wire.Header:
    header = {name: getattr(clip, name) for name in clip.__dataclass_fields__}
    del header["waveforms"]
    return {"clip": header}


def _be_expendable() -> None:
    # Signals to the whole group or container are the service's to answer.
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    # A core file would hold somebody's upload.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # When the container runs out of memory, this process goes before the service, however much
    # that holds.
    # (pathlib, which nothing else here needs, would take 0.6 MB.)
    score = "/proc/self/oom_score_adj"
    with contextlib.suppress(OSError), open(score, "w", encoding="ascii") as file:  # noqa: PTH123
        file.write("1000")


def _silence_native_code() -> None:
    """Keep standard error for Python: what decoders write to it holds bytes of the upload."""
    sys.stderr = os.fdopen(os.dup(sys.stderr.fileno()), "w", buffering=1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, STDERR)
    os.close(nowhere)


def _limit_resources(n_bytes: int, limits: Limits, seconds: float) -> None:
    block_bytes = BLOCK_FRAMES * limits.max_channels * SAMPLE_BYTES
    memory = BASE_MEMORY_BYTES + BLOCK_COPIES * block_bytes + UPLOAD_COPIES * n_bytes
    _set_soft_limit(resource.RLIMIT_AS, memory)
    _set_soft_limit(resource.RLIMIT_CPU, int(time.process_time() + seconds) + SPARE_CPU_S)


def _set_soft_limit(kind: int, value: int) -> None:
    _, hard = resource.getrlimit(kind)
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    # Not every system can limit a process's memory; the other limits hold all the same.
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(kind, (value, hard))


if __name__ == "__main__":
    sys.exit(main())
