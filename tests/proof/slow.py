"""Hundreds of clients that crawl or stall: an ordinary client is answered all the same."""

import argparse
import asyncio
import sys
import time
from collections import Counter
from pathlib import Path

import httpx2

from service.intake.admission import GRACE_S
from tests.audio import encode_as, tone
from tests.server import TIMEOUT_S, service_process

HEAD = (
    "POST /classify/genre HTTP/1.1\r\nHost: localhost\r\n"
    "Content-Type: audio/wav\r\nContent-Length: 1000000\r\n\r\n"
)
# Large enough to fill what the system buffers.
READ_LATER = "GET /static-offline-docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: localhost\r\n\r\n" * 5
PAUSE_S = 0.5
MOST_TRIES = 20
KINDS = ("headers", "body", "reads")


class SlowClients:
    """Keeps connections busy that send a byte now and then, or never read."""

    def __init__(self, host: str, port: int) -> None:
        self._address = host, port
        self.ended: Counter[str] = Counter()

    async def crawl(self, kind: str) -> None:
        """Be one of them until the service has enough, and then come again."""
        while True:
            _, writer = await asyncio.open_connection(*self._address)
            try:
                await self._crawl_once(kind, writer)
            except OSError:
                self.ended[kind] += 1
            finally:
                writer.close()

    async def _crawl_once(self, kind: str, writer: asyncio.StreamWriter) -> None:
        if kind == "body":
            writer.write(HEAD.encode())
        if kind == "reads":
            writer.write(READ_LATER.encode())
            writer.transport.pause_reading()  # type: ignore[attr-defined]  # not in its base class
        for letter in HEAD * 100:
            if kind != "reads":
                writer.write(letter.encode())
                await writer.drain()
            await asyncio.sleep(PAUSE_S)


async def ordinary_requests(address: str, seconds: float) -> list[tuple[float, int]]:
    """Send one clip after the other, as told to by Retry-After; return times and tries."""
    data = encode_as("mp3", tone(duration_s=5.0))
    until = time.monotonic() + seconds
    answered = []
    async with httpx2.AsyncClient(base_url=address, timeout=TIMEOUT_S) as client:
        while time.monotonic() < until:
            began, tries, status = time.monotonic(), 0, 0
            while status != 200 and tries < MOST_TRIES:
                tries += 1
                try:
                    response = await client.post("/classify", files={"file": ("clip.mp3", data)})
                except httpx2.TransportError:  # an idle connection may be closed at any time
                    continue
                status = response.status_code
                if status == 503:
                    await asyncio.sleep(int(response.headers["Retry-After"]))
            answered.append((time.monotonic() - began, tries))
            await asyncio.sleep(0.1)
    return answered


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of this proof."""
    parser.add_argument("--clients", type=int, default=300, help="slow clients [%(default)s]")
    parser.add_argument("--seconds", type=float, default=60.0, help="[%(default)s]")


def run(options: argparse.Namespace, models: Path, log: Path) -> bool:
    """Let slow clients and an ordinary one meet; tell whether it was always answered."""
    with service_process(models, log) as (_, client):
        return asyncio.run(_run(client.base_url, options.clients, options.seconds))


async def _run(address: httpx2.URL, n_clients: int, seconds: float) -> bool:
    assert address.port is not None
    crowd = SlowClients(address.host, address.port)
    crawling = [
        asyncio.create_task(crowd.crawl(KINDS[number % len(KINDS)])) for number in range(n_clients)
    ]
    await asyncio.sleep(2 * GRACE_S)
    answered = await ordinary_requests(str(address), seconds)
    for task in crawling:
        task.cancel()
    failures = await asyncio.gather(*crawling, return_exceptions=True)
    tries = [tries for _, tries in answered]
    times_s = sorted(seconds for seconds, _ in answered)
    sys.stdout.write(
        f"{n_clients} slow clients, {len(answered)} ordinary clips in {seconds:.0f} s: "
        f"{tries.count(1)} answered at the first try, most tries {max(tries)}, "
        f"median {1e3 * times_s[len(times_s) // 2]:.0f} ms, slowest {times_s[-1]:.2f} s; "
        f"connections that were ended: {dict(crowd.ended)}\n"
    )
    strange = [failure for failure in failures if not isinstance(failure, asyncio.CancelledError)]
    return not strange and max(tries) < MOST_TRIES
