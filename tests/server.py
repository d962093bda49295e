"""Run the service as a process of its own, as operators do."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import httpx2

from tests.nursery import Forked

ROOT = Path(__file__).parents[1]
TIMEOUT_S = 60.0
ADDRESS = re.compile(r"serves on (http://[^,]+),")  # as the service logs it
COMMAND = [sys.executable, "-m", "service"]


def environment(**settings: object) -> dict[str, str]:
    return {
        **os.environ,
        **{f"SERVICE_{name.upper()}": str(value) for name, value in settings.items()},
    }


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def heed_interrupts() -> None:
    """Let a new process end at Ctrl-C, also where its parents run in the background."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


T = TypeVar("T")
Process = subprocess.Popen[bytes] | Forked
Server = tuple[subprocess.Popen[bytes], httpx2.Client]


@contextmanager
def server(
    models_dir: Path, log: Path, **settings: object
) -> Iterator[tuple[Forked, httpx2.Client]]:
    """Start a service with one worker as a process of its own, and wait until it is ready.

    Its code is loaded already, so it is ready sooner than that of :func:`service_process`.
    """
    variables = {"port": 0, "models_dir": models_dir, "workers": 1, **settings}
    with (
        Forked(environment(**variables), ROOT, log) as process,
        _client_once_ready(process, log) as client,
    ):
        yield process, client


@contextmanager
def service_process(
    models_dir: Path,
    log: Path,
    command: Sequence[str] = COMMAND,
    cores: set[int] | None = None,
    /,
    **settings: object,
) -> Iterator[Server]:
    """Start the service as operators do, on a free port, and wait until it is ready.

    With ``cores``, it has only these.
    """
    with log.open("wb") as output, pinned(cores):
        process = subprocess.Popen(  # noqa: S603  # our own command
            command,
            cwd=ROOT,
            env=environment(**{"port": 0, "models_dir": models_dir, **settings}),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    with process, _client_once_ready(process, log) as client:
        yield process, client


@contextmanager
def _client_once_ready(process: Process, log: Path) -> Iterator[httpx2.Client]:
    """Return a client of a service once it is ready; kill it in the end."""
    try:
        address = wait_for(lambda: ADDRESS.search(log.read_text()), process, log)[1]
        with httpx2.Client(base_url=address, timeout=TIMEOUT_S) as client:
            wait_for(lambda: client.get("/health/ready").status_code == 200, process, log)
            yield client
    finally:
        process.kill()


@contextmanager
def pinned(cores: set[int] | None) -> Iterator[None]:
    """Run this thread, and the processes that it starts meanwhile, on some cores only."""
    if cores is None:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def wait_for(
    condition: Callable[[], T | None],
    process: Process,
    log: Path,
    timeout_s: float = TIMEOUT_S,
) -> T:
    """Return what the condition answers as soon as it is true."""
    deadline = time.monotonic() + timeout_s
    while not (answer := condition()):
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.02)
    return answer
