"""Read what is left of an upload while an early answer is sent.

A server that answers and closes while the client still sends makes the client's system
report a broken connection, and the answer that says what is wrong is lost. So the answer goes out
at once, for clients that listen while they send, and ends when the rest of the upload is dropped,
for those that do not.
"""

import asyncio
import contextlib

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

DRAIN_S = 5.0


class DrainMiddleware:
    """Drop the rest of the body, up to a limit of bytes and time, before the answer ends.

    Parameters
    ----------
    app
        The application within.
    max_bytes
        Most that is read and dropped; a longer upload meets a closed connection.
    """

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        has_length, is_chunked = "content-length" in headers, "transfer-encoding" in headers
        complete = not (has_length or is_chunked)
        # A client that asks first has sent nothing yet, and will not after an error.
        asks_first = "100-continue" in headers.get("expect", "").lower()

        async def receive_and_note_end() -> Message:
            nonlocal complete, asks_first
            asks_first = False
            message = await receive()
            complete = not message.get("more_body", False)
            return message

        async def drain() -> None:
            dropped = 0
            while not complete and dropped <= self._max_bytes:
                dropped += len((await receive_and_note_end()).get("body", b""))

        async def send_and_drain(message: Message) -> None:
            if message["type"] == "http.response.start" and (
                # Or a client that goes on sending a byte now and then would keep it for ever.
                not complete
                # A proxy may have believed the other one, and what follows be another client's
                # idea of a request (RFC 9112, 6.1).
                or (has_length and is_chunked)
            ):
                MutableHeaders(scope=message)["Connection"] = "close"
            is_end = message["type"] == "http.response.body" and not message.get("more_body")
            if complete or asks_first or not is_end:
                await send(message)
                return
            await send({**message, "more_body": True})
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(DRAIN_S):
                    await drain()
            await send({"type": "http.response.body", "body": b""})

        await self._app(scope, receive_and_note_end, send_and_drain)
