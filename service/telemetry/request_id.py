"""Give every request and stream an id, to match an answer, a problem and a log line."""

import re
import uuid

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADER = "X-Request-ID"
_ACCEPTED = re.compile(r"[A-Za-z0-9._-]{1,64}")
# Of requests, of WebSockets that are accepted, and of those that are refused.
ANSWER_HEADS = ("http.response.start", "websocket.accept", "websocket.http.response.start")
_SCOPE_KEY = "request_id"


def request_id(scope: Scope) -> str:
    """Return the id of the request that a scope belongs to."""
    identifier: str = scope.get(_SCOPE_KEY, "none")
    return identifier


def assign(scope: Scope, identifier: str) -> None:
    """Give a request its id."""
    scope[_SCOPE_KEY] = identifier


class RequestIdMiddleware:
    """Take the client's request id when it is harmless, else make one; send it back."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        offered = Headers(scope=scope).get(HEADER, "")
        identifier = offered if _ACCEPTED.fullmatch(offered) else uuid.uuid4().hex
        assign(scope, identifier)

        async def send_with_id(message: Message) -> None:
            if message["type"] in ANSWER_HEADS:
                MutableHeaders(scope=message)[HEADER] = identifier
            await send(message)

        await self._app(scope, receive, send_with_id)
