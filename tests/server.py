"""Run the service as a process of its own, as operators do."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2

ROOT = Path(__file__).parents[1]
TIMEOUT_S = 60.0
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


Server = tuple[subprocess.Popen[bytes], httpx2.Client]


@contextmanager
def server(models_dir: Path, log: Path, **settings: object) -> Iterator[Server]:
    """Start a service with one worker; see :func:`service_process`."""
    with service_process(models_dir, log, **{"workers": 1, **settings}) as started:
        yield started


@contextmanager
def service_process(models_dir: Path, log: Path, **settings: object) -> Iterator[Server]:
    """Start the service as a process of its own and wait until it is ready."""
    port = free_port()
    with (
        log.open("wb") as output,
        subprocess.Popen(  # noqa: S603  # our own command
            COMMAND,
            cwd=ROOT,
            env=environment(port=port, models_dir=models_dir, **settings),
            stdout=output,
            stderr=subprocess.STDOUT,
        ) as process,
        httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=TIMEOUT_S) as client,
    ):
        try:
            wait_until_ready(process, client, log)
            yield process, client
        finally:
            process.kill()


def wait_until_ready(process: subprocess.Popen[bytes], client: httpx2.Client, log: Path) -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while True:
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        try:
            if client.get("/health/ready").status_code == 200:
                return
        except httpx2.ConnectError:
            time.sleep(0.05)
