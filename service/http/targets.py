"""Understand the ways in which clients write the address of an endpoint.

A client that believes in a proxy sends the whole address as target (RFC 9112, 3.2.2), many end a
path with a slash, and those that join it to an address with a slash begin it with two. All are
served as if they had been written plainly, without a redirect: clients that upload often do not
follow one.
"""

import re

from starlette.types import ASGIApp, Receive, Scope, Send

_ORIGIN = re.compile(r"^https?://[^/?#]*", re.IGNORECASE)
_SLASHES = re.compile("/{2,}")


class PlainTargetMiddleware:
    """Take origin and needless slashes from the path of a request or a stream.

    Parameters
    ----------
    app
        The application within.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] in ("http", "websocket"):
            root: str = scope.get("root_path", "")
            scope["path"] = root + plain_path(scope["path"].removeprefix(root))
        await self._app(scope, receive, send)


def plain_path(target: str) -> str:
    """Return the path of a request's target without origin, and with one slash at its beginning."""
    return "/" + _SLASHES.sub("/", _ORIGIN.sub("", target)).strip("/")
