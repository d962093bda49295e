"""The path under which a proxy offers the service, as in ``https://example.org/music/``."""

from starlette.requests import HTTPConnection
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send


def root_path(request: HTTPConnection) -> str:
    """Return the path that begins every address of this service, without a final slash."""
    path: str = request.scope.get("app_root_path", request.scope.get("root_path", ""))
    return path


class RootPathMiddleware:
    """Serve requests from proxies that take the path away, and from those that leave it.

    Parameters
    ----------
    app
        What serves the requests.
    root_path
        Begins with a slash and does not end with one.
    """

    def __init__(self, app: ASGIApp, root_path: str) -> None:
        self._app = app
        self._root_path = root_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] in {"http", "websocket"}:
            root, path = self._root_path, scope["path"]
            scope["root_path"] = root
            if path == root:  # in any case so where the last slash was taken off
                if scope["type"] == "http" and not scope["raw_path"].endswith(b"/"):
                    # Without it, a browser would look for what the start page names beside it.
                    await RedirectResponse(f"{root}/")(scope, receive, send)
                    return
                scope["path"] = f"{root}/"
            elif not path.startswith(f"{root}/"):
                scope["path"] = root + path  # which ASGI wants whole
        await self._app(scope, receive, send)
