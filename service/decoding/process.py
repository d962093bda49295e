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
from pathlib import Path
from typing import Any

from service.audio.decode import Clip, Limits, decode
from service.audio.excerpt import Excerpt
from service.audio.readers.source import BLOCK_FRAMES, Samples
from service.decoding import sandbox, wire
from service.decoding.warm_up import warm_up
from service.errors import ServiceError, UnusableAudio
from service.heap import keep_freed_memory

MAX_UPLOAD_BYTES = 1 << 40  # the service has counted the bytes already
SAMPLE_BYTES = 4
# Address space for Python and the libraries, and how often a block of all channels, the upload
# and its waveforms are held at the same time at most.
BASE_MEMORY_BYTES = 480 * 1024 * 1024
BLOCK_COPIES = 4
UPLOAD_COPIES = 4
WAVEFORMS_COPIES = 3
# The service kills a decoder at the deadline; this ends one whose service is gone.
SPARE_CPU_S = 2
STDERR = 2
READY = {"ready": True}


def main() -> int:
    """Decode what comes through standard input, a socket, until it is closed."""
    _be_expendable()
    _silence_native_code()
    keep_freed_memory()
    with socket.socket(fileno=sys.stdin.fileno()) as connection:
        warm_up()
        sandbox.close_off()
        wire.send(connection, READY)
        with contextlib.suppress(wire.BrokenMessage, ConnectionError):
            while True:
                # In a function, so that nothing of this upload is held when the next one comes.
                _answer_next(connection)
    return 0


def answer(
    data: bytes,
    rates_hz: list[int],
    limits: dict[str, Any],
    excerpt: dict[str, Any],
    seconds: float,
) -> tuple[wire.Header, list[Samples]]:
    """Return the message that tells a clip, and its waveforms; or the problem with it."""
    bounds = Limits(**limits)
    _limit_resources(len(data), rates_hz, bounds, seconds)
    try:
        clip = decode(data, rates_hz, bounds, Excerpt(**excerpt))
    except MemoryError:
        return _problem(UnusableAudio("Decoding the file needs more memory than it may.")), []
    except ServiceError as error:
        # Not kept in a variable: its traceback holds this call, and all samples, in a circle that
        # is broken so late that the next uploads find no memory.
        return _problem(error), []
    return _description(clip), [clip.waveforms[rate_hz] for rate_hz in rates_hz]


def _answer_next(connection: socket.socket) -> None:
    request, upload = wire.receive(connection, MAX_UPLOAD_BYTES)
    data = upload.tobytes()
    del upload
    header, waveforms = answer(data, **request)
    wire.send(connection, header)
    for samples in waveforms:
        wire.send(connection, {}, samples.data)


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
    # When the container runs out of memory, this process goes before the service.
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("500", "ascii")


def _silence_native_code() -> None:
    """Keep standard error for Python: what decoders write to it holds bytes of the upload."""
    sys.stderr = os.fdopen(os.dup(sys.stderr.fileno()), "w", buffering=1)
    with Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), STDERR)


def _limit_resources(n_bytes: int, rates_hz: list[int], limits: Limits, seconds: float) -> None:
    waveforms_bytes = int(limits.max_duration_s * sum(rates_hz)) * SAMPLE_BYTES
    block_bytes = BLOCK_FRAMES * limits.max_channels * SAMPLE_BYTES
    memory = (
        BASE_MEMORY_BYTES
        + BLOCK_COPIES * block_bytes
        + UPLOAD_COPIES * n_bytes
        + WAVEFORMS_COPIES * waveforms_bytes
    )
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
