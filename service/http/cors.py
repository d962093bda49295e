"""Let pages of other origins use the service, as far as its settings allow (Fetch standard, 3.3).

A browser asks before it lets a page send what no plain form could send. Where the answer is no, the
page is not told why; people who look are, in a problem document like any other.
"""

from collections.abc import Collection

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from service.errors import ForeignPage
from service.http.problems import problem_response

METHODS = ("GET", "POST")
_ASKED = "access-control-request-method"
_OWN_HEADERS = frozenset({"content-length", "content-type"})


class CrossOriginMiddleware(CORSMiddleware):
    """Answer what browsers ask before a page of another origin sends a request.

    Parameters
    ----------
    app
        The application within.
    origins
        Whose pages may use it, like ``https://example.org``; with ``*``, those of all.
    allow_headers, expose_headers
        What such pages may send, and read, beside what any page may.
    """

    def __init__(
        self,
        app: ASGIApp,
        origins: Collection[str],
        allow_headers: Collection[str],
        expose_headers: Collection[str],
    ) -> None:
        super().__init__(
            app,
            allow_origins=origins,
            allow_methods=METHODS,
            allow_headers=allow_headers,
            expose_headers=expose_headers,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] == "http" and (error := self._refusal(Request(scope))) is not None:
            response = problem_response(Request(scope), error)
            told = self.preflight_response(Headers(scope=scope)).headers
            response.headers.update({k: v for k, v in told.items() if k not in _OWN_HEADERS})
            await response(scope, receive, send)
        elif self.allow_origins:
            await super().__call__(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    def _refusal(self, request: Request) -> ForeignPage | None:
        """Return why a browser that asks is told no; None if it does not ask, or is told yes."""
        headers = request.headers
        origin, method = headers.get("origin"), headers.get(_ASKED)
        if request.method != "OPTIONS" or origin is None or method is None:
            return None
        if not self.is_allowed_origin(origin):
            return ForeignPage(
                f"Pages of {origin} may not use this service. Whoever runs it can name that origin "
                "in SERVICE_CORS_ORIGINS."
            )
        if self.preflight_response(headers).status_code < 400:
            return None
        return ForeignPage(
            f"Pages of other origins may use {' and '.join(METHODS)} with the headers "
            f"{self.preflight_headers['Access-Control-Allow-Headers']}, and nothing else."
        )
