"""The process that decodes uploads: ``python -m service.decoder_process``, started by the service.

Decoders are large bodies of C that read what strangers send. This process holds nothing but
them: when a file hangs or crashes one, the process is killed and replaced (see
:mod:`service.decoders`), and the service goes on. It ends when the service closes its end.
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

from service import wire
from service.audio import BLOCK_FRAMES, WORKING_RATE_HZ, Clip, Limits, decode
from service.errors import ServiceError, UnusableAudio

MAX_UPLOAD_BYTES = 1 << 40  # the service has counted the bytes already
SAMPLE_BYTES = 4
# Address space for Python and the libraries, and how often a block of all channels, the upload
# and its samples are held at the same time at most.
BASE_MEMORY_BYTES = 480 * 1024 * 1024
BLOCK_COPIES = 4
UPLOAD_COPIES = 4
SAMPLES_COPIES = 5
# The service kills a decoder at the deadline; this ends one whose service is gone.
SPARE_CPU_S = 2
STDERR = 2
READY = {"ready": True}


def main() -> int:
    """Decode what comes through standard input, a socket, until it is closed."""
    _be_expendable()
    _silence_native_code()
    with socket.socket(fileno=sys.stdin.fileno()) as connection:
        wire.send(connection, READY)
        with contextlib.suppress(wire.BrokenMessage, ConnectionError):
            while True:
                request, upload = wire.receive(connection, MAX_UPLOAD_BYTES)
                header, samples = answer(upload.tobytes(), **request)
                wire.send(connection, header, samples)
    return 0


def answer(data: bytes, limits: dict[str, Any], seconds: float) -> tuple[wire.Header, memoryview]:
    """Return the message that tells a clip, or the problem with it."""
    bounds = Limits(**limits)
    _limit_resources(len(data), bounds, seconds)
    try:
        clip = decode(data, bounds)
    except MemoryError:
        problem: ServiceError = UnusableAudio("Decoding the file needs more memory than it may.")
    except ServiceError as error:
        problem = error
    else:
        return _description(clip), clip.samples.data
    return {"problem": problem.slug(), "detail": problem.detail}, memoryview(b"")


def _description(clip: Clip) -> wire.Header:
    header = {name: getattr(clip, name) for name in clip.__dataclass_fields__}
    del header["samples"]
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


def _limit_resources(n_bytes: int, limits: Limits, seconds: float) -> None:
    samples_bytes = int(limits.max_duration_s * WORKING_RATE_HZ) * SAMPLE_BYTES
    block_bytes = BLOCK_FRAMES * limits.max_channels * SAMPLE_BYTES
    memory = (
        BASE_MEMORY_BYTES
        + BLOCK_COPIES * block_bytes
        + UPLOAD_COPIES * n_bytes
        + SAMPLES_COPIES * samples_bytes
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
