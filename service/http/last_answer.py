"""End connections with their answers while the service stops.

A client that keeps its connection would else send its next request on one that is just being
closed, and lose it.
"""

from threading import Event

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class LastAnswerMiddleware:
    """Tell clients that the connection ends with this answer, once the service stops.

    Parameters
    ----------
    app
        The application within.
    stopping
        Whether it stops.
    """

    def __init__(self, app: ASGIApp, stopping: Event) -> None:
        self._app = app
        self._stopping = stopping

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""

        async def send_for_the_last_time(message: Message) -> None:
            if message["type"] == "http.response.start" and self._stopping.is_set():
                MutableHeaders(scope=message)["Connection"] = "close"
            await send(message)

        await self._app(scope, receive, send_for_the_last_time)
