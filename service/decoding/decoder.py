"""One process that decodes, as the service holds it; see :mod:`service.decoding.process`."""

import logging
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TypeVar

from service.audio.decode import Clip, Limits, Listener
from service.audio.excerpt import Excerpt
from service.deadline import Deadline
from service.decoding import wire
from service.decoding.messages import outcome_of, samples_of
from service.decoding.process import (
    BEGIN,
    LACKS_FFMPEG,
    RATE,
    READY,
    SAMPLE_BYTES,
    WITH_FFMPEG,
)
from service.errors import ServiceError, UnusableAudio
from service.telemetry import metrics

logger = logging.getLogger(__name__)

T = TypeVar("T")

COMMAND = (sys.executable, "-P", "-m", "service.decoding.process")
# Who ends a process in these ways stands outside it: the file is not to blame, so it is tried
# again. One that needs too much memory is stopped by a limit before it comes to that.
KILLED_FROM_OUTSIDE = (-signal.SIGKILL, -signal.SIGTERM)
SOCKET_BUFFER_BYTES = 1 << 20
ATTEMPTS = 5
EXIT_S = 0.1  # between closing its connection and the end of a process that crashed


class _LacksFFmpeg(Exception):
    """A file needs FFmpeg, and the process has none."""


class Decoder:
    """One decoder process, replaced by another whenever it ends; used by one thread at a time.

    It is started without FFmpeg, which takes as much memory as half of all else and which most
    files do not need; with the first that does, it is replaced by one that has it.
    """

    def __init__(self) -> None:
        self._ready = False
        self._with_ffmpeg = False
        self._start()

    @property
    def process_id(self) -> int:
        """The id of the process that decodes now."""
        return self._process.pid

    def decode(
        self,
        data: bytes | bytearray,
        listener: Listener,
        limits: Limits,
        deadline: Deadline,
        excerpt: Excerpt | None,
    ) -> Clip:
        """Have a listener hear an audio file, as :meth:`DecoderPool.decode` tells."""
        request = {
            "rates_hz": list(listener.rates_hz),
            "limits": asdict(limits),
            "excerpt": asdict(excerpt or Excerpt()),
        }

        def exchange() -> Clip:
            timed = {**request, "seconds": deadline.remaining_s}
            wire.send(self._connection, timed, data, deadline)
            return self._hear(listener, limits, deadline)

        return self._attempt(exchange, deadline)

    def wait_until_ready(self, deadline: Deadline) -> None:
        """Return once the process can decode."""
        self._attempt(lambda: None, deadline)

    def disconnect(self) -> None:
        """Have the process end, which it does when its connection is closed."""
        self._connection.close()

    def wait_until_ended(self, deadline: Deadline) -> None:
        """Return once the process has ended, by force if it has not in time."""
        try:
            self._process.wait(deadline.remaining_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _start(self) -> None:
        self._connection, theirs = socket.socketpair()
        for end in (self._connection, theirs):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SOCKET_BUFFER_BYTES)
        command = (*COMMAND, WITH_FFMPEG) if self._with_ffmpeg else COMMAND
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603  # our own command
                command, stdin=theirs.fileno(), stdout=subprocess.DEVNULL, env=_environment()
            )
        self._ready = False

    def _replace(self) -> int | None:
        """Start another process; return the exit code of the old one if it had ended by itself."""
        exit_code = self._end()
        logger.warning("decoder %d is replaced, exit code %s", self._process.pid, exit_code)
        self._start()
        return exit_code

    def _load_ffmpeg(self) -> None:
        self._end()
        logger.info("decoder %d is replaced by one with FFmpeg", self._process.pid)
        self._with_ffmpeg = True
        self._start()

    def _end(self) -> int | None:
        """End the process; return its exit code if it had ended, or does, by itself."""
        self._connection.close()
        try:
            return self._process.wait(EXIT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        return None

    def _attempt(self, work: Callable[[], T], deadline: Deadline) -> T:
        """Do something with a process that is ready, and with the next one if it is killed."""
        if self._process.poll() is not None:  # it died idle, not from this work
            self._replace()
            metrics.DECODERS_REPLACED.labels("killed").inc()
        for _ in range(ATTEMPTS):
            try:
                self._greet(deadline)
                return work()
            except _LacksFFmpeg:
                self._load_ffmpeg()
            except TimeoutError:
                self._replace()
                metrics.DECODERS_REPLACED.labels("hung").inc()
                raise deadline.exceeded() from None
            except (wire.BrokenMessage, OSError):
                was_ready = self._ready
                if self._replace() in KILLED_FROM_OUTSIDE:
                    metrics.DECODERS_REPLACED.labels("killed").inc()
                    continue
                metrics.DECODERS_REPLACED.labels("crashed").inc()
                if not was_ready:
                    raise ServiceError("The decoder does not start.") from None
                raise UnusableAudio(
                    "The file is broken in a way that crashed its decoder."
                ) from None
        raise ServiceError(
            "The file's decoder was killed each time that it was tried, perhaps for want of memory."
        )

    def _greet(self, deadline: Deadline) -> None:
        if not self._ready:
            self._ready = wire.receive(self._connection, 0, deadline)[0] == READY

    def _hear(self, listener: Listener, limits: Limits, deadline: Deadline) -> Clip:
        """Pass on what the process sends until it describes the clip, or tells the problem."""
        # The number of samples is rounded when a file is resampled, so one second more.
        seconds = limits.max_duration_s + 1
        most = {rate: int(seconds * rate) * SAMPLE_BYTES for rate in listener.rates_hz}
        left = dict(most)
        listener.begin()
        while True:
            most_bytes = max(left.values(), default=0)
            header, payload = wire.receive(self._connection, most_bytes, deadline)
            if header == BEGIN:
                left = dict(most)
                told: Callable[[], None] = listener.begin
            elif RATE in header:
                rate_hz, samples = samples_of(header, payload, left)
                left[rate_hz] -= samples.nbytes
                told = partial(listener.add, rate_hz, samples)
            elif header == LACKS_FFMPEG and not self._with_ffmpeg:
                raise _LacksFFmpeg
            else:
                return outcome_of(header)
            try:
                told()
            except Exception:
                # What the process goes on to send would be taken for another clip.
                self._replace()
                raise


def _environment() -> dict[str, str]:
    """Return an environment in which the process finds this very package, and no secrets."""
    package_root = str(Path(__file__).parents[2])
    return {
        # OpenTelemetry's may hold the key to a collector.
        **{name: value for name, value in os.environ.items() if not name.startswith("OTEL_")},
        "PYTHONPATH": os.pathsep.join(
            filter(None, [package_root, os.environ.get("PYTHONPATH", "")])
        ),
        # A decoder has one clip to decode and one core to do it on.
        "OPENBLAS_NUM_THREADS": "1",
    }
