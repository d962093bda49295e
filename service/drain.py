"""Read what is left of an upload before an early answer is sent.

A server that answers and closes while the client still sends makes the client's system
report a broken connection, and the answer that says what is wrong is lost.
"""

import asyncio
import contextlib

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

DRAIN_S = 5.0


class DrainMiddleware:
    """Drop the rest of the body, up to a limit of bytes and time, before the answer begins.

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
        # A client that asks first has sent nothing yet, and will not after an error.
        complete = "100-continue" in Headers(scope=scope).get("expect", "").lower()

        async def receive_and_note_end() -> Message:
            nonlocal complete
            message = await receive()
            complete = not message.get("more_body", False)
            return message

        async def drain() -> None:
            dropped = 0
            while not complete and dropped <= self._max_bytes:
                dropped += len((await receive_and_note_end()).get("body", b""))

        async def send_after_drain(message: Message) -> None:
            if message["type"] == "http.response.start":
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(DRAIN_S):
                        await drain()
            await send(message)

        await self._app(scope, receive_and_note_end, send_after_drain)
