"""A decoder process that does, when asked, what a broken file might make a real one do."""

import os
import signal
import sys
import time
from pathlib import Path

import numpy as np

from service.audio import decode as audio
from service.audio.decode import Clip, Limits, Listener
from service.audio.excerpt import Excerpt
from service.decoding import process as decoder_process
from service.decoding import sandbox
from tests.audio import encode, tone

COMMAND = (sys.executable, "-P", "-m", "tests.unruly_decoder")

HANG = b"hang"
CRASH = b"crash"
SWALLOW_MEMORY = b"swallow memory"
RAISE = b"raise"
LACK = b"lack FFmpeg"
BABBLE = b"babble"
BABBLE_LATER = b"babble after some samples at 16 kHz"
ERRORS = {
    RAISE: RuntimeError("a fault that nobody foresaw"),
    LACK: ModuleNotFoundError(name=decoder_process.FFMPEG_READER),
}
# Followed by the path of a file that tells whether it has happened.
DIE_ONCE = b"die once "
TERABYTE = 1 << 40
MESSAGE_SAMPLES = decoder_process.MESSAGE_BYTES // decoder_process.SAMPLE_BYTES


def unruly_hear(data: bytes, listener: Listener, limits: Limits, excerpt: Excerpt) -> Clip:
    if data == HANG:
        while True:
            time.sleep(60)
    if data == CRASH:
        os.kill(os.getpid(), signal.SIGSEGV)
    if data == SWALLOW_MEMORY:
        bytearray(TERABYTE)
    if data in ERRORS:
        raise ERRORS[data]
    if data == BABBLE_LATER:
        listener.begin()
        listener.add(16_000, np.zeros(MESSAGE_SAMPLES, np.float32))
    if data in (BABBLE, BABBLE_LATER):
        os.write(sys.stdin.fileno(), b"no message at all, but long enough for one")
    if data.startswith(DIE_ONCE):
        died = Path(data.removeprefix(DIE_ONCE).decode())
        if not died.exists():
            died.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        data = encode(tone())
    return audio.hear(data, listener, limits, excerpt)


if __name__ == "__main__":
    # So that it can misbehave in ways that are shut off.
    sandbox.__dict__["close_off"] = lambda: None
    decoder_process.__dict__["hear"] = unruly_hear
    sys.exit(decoder_process.main())
