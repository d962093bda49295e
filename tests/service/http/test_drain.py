import asyncio
import json
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from starlette.types import Message, Receive, Scope, Send

from service.http.drain import DrainMiddleware
from tests.server import server

UPLOAD_BYTES = 8_000_000


async def refuse(_scope: Scope, _receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 413, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def unread_after_refusal(
    n_chunks: int, max_bytes: int, *headers: tuple[bytes, bytes]
) -> tuple[int, int]:
    """Send chunks of 10 bytes to an application that refuses at once.

    Return how many of them are never read, and how many were unread when the answer came.
    """
    waiting: list[Message] = [
        {"type": "http.request", "body": bytes(10), "more_body": i + 1 < n_chunks}
        for i in range(n_chunks)
    ]

    async def receive() -> Message:
        return waiting.pop(0)

    unread_at = []
    more = []

    async def send(message: Message) -> None:
        unread_at.append(len(waiting))
        more.append(message.get("more_body", False))

    length = (b"content-length", str(10 * n_chunks).encode())
    scope: Scope = {"type": "http", "headers": [length, *headers]}
    asyncio.run(DrainMiddleware(refuse, max_bytes)(scope, receive, send))
    assert not more[-1]
    return len(waiting), unread_at[1]


def test_an_early_answer_goes_out_at_once_and_ends_after_the_body() -> None:
    assert unread_after_refusal(5, 1000) == (0, 5)


def test_no_more_is_read_than_the_limit() -> None:
    assert unread_after_refusal(100, 50) == (94, 100)


def test_a_client_that_asks_first_is_not_made_to_send() -> None:
    assert unread_after_refusal(5, 1000, (b"expect", b"100-continue")) == (5, 5)


def test_a_plain_client_reads_why_its_upload_is_refused(models_dir: Path, tmp_path: Path) -> None:
    with server(models_dir, tmp_path / "log", max_upload_bytes=3_000_000) as (_, client):
        request = urllib.request.Request(  # noqa: S310  # our own server
            str(client.base_url.join("/classify/genre")),
            data=bytes(UPLOAD_BYTES),
            headers={"Content-Type": "audio/wav"},
        )
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=30)  # noqa: S310  # our own server
        with refused.value as answer:
            assert answer.code == 413
            assert json.load(answer)["type"] == "/problems/too-many-bytes"
