"""A decoder process that tries what one would that a file has taken over, and tells what it got."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from service.audio import decode as audio
from service.audio.decode import Clip
from service.decoding import process as decoder_process
from service.errors import UnusableAudio

COMMAND = (sys.executable, "-P", "-m", "tests.prying_decoder")
PRY = b"pry "  # followed by the path of a file that may be read, in a folder that may be written to
STOPPED = "stopped"


def attempts(file: Path) -> dict[str, Callable[[], object]]:
    return {
        "read": file.read_bytes,
        "write": lambda: file.with_name("left behind").write_text("x"),
        "remove": file.unlink,
        "list": lambda: os.listdir(file.parent),  # noqa: PTH208  # the bare call
        "inet": lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM),
        "datagram": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
        "unix": lambda: socket.socket(socket.AF_UNIX),
        "fork": os.fork,
        "execute": lambda: subprocess.run(["/bin/true"], check=False),
        "replace itself": lambda: os.execv("/bin/true", ["true"]),  # noqa: S606
        "kill": lambda: os.kill(os.getppid(), signal.SIGKILL),
        "other root": lambda: os.chroot("/"),
        "memory": lambda: os.memfd_create("code"),
    }


def outcome(attempt: Callable[[], object]) -> str:
    try:
        attempt()
    except OSError:
        return STOPPED
    return "done"


def prying_hear(data: bytes, *rest: object) -> Clip:
    if not data.startswith(PRY):
        thread = threading.Thread(target=lambda: None)  # as libraries begin some
        thread.start()
        thread.join()
        clip: Clip = audio.hear(data, *rest)  # type: ignore[arg-type]  # as they came
        return clip
    file = Path(data.removeprefix(PRY).decode())
    told = [f"{name}: {outcome(attempt)}" for name, attempt in attempts(file).items()]
    raise UnusableAudio(", ".join(told))


if __name__ == "__main__":
    decoder_process.__dict__["hear"] = prying_hear
    sys.exit(decoder_process.main())
