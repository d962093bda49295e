"""Everything that can go wrong with a request, and how it is told to the client.

Each class is one problem type of RFC 9457. The cause raises it where it is known;
:mod:`service.http.problems` turns it into a response in one place. The class docstring
is what ``GET /problems/{slug}`` tells people, so it says how to mend the request.
"""

import re
from collections.abc import Mapping
from typing import ClassVar

# When to try again, where nothing tells how long the work at hand will take.
RETRY_AFTER_S = 1


class ServiceError(Exception):
    """Something went wrong on our side. Send the request id to the operator."""

    status: ClassVar[int] = 500
    title: ClassVar[str] = "Internal error"
    headers: ClassVar[Mapping[str, str]] = {}
    """What the response says beside its body."""

    def __init__(
        self, detail: str, *, retry_after_s: int | None = None, request_id: str | None = None
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.retry_after_s = retry_after_s
        # Of the request that a client was told this about; the service itself knows it elsewhere.
        self.request_id = request_id

    @classmethod
    def slug(cls) -> str:
        """Return the kebab-case name that ends the problem's ``type``."""
        return re.sub(r"(?<!^)(?=[A-Z])", "-", cls.__name__).lower()


class InvalidRequest(ServiceError):
    """The request's parameters or form do not fit. The OpenAPI page lists what is accepted."""

    status = 422
    title = "Invalid request"


class BadRequest(ServiceError):
    """The bytes are no HTTP/1.1 request, or its headers are too long. Use an HTTP client."""

    status = 400
    title = "Bad request"


class HeadTooSlow(ServiceError):
    """The first line and headers of the request took too long. Send them all at once."""

    status = 408
    title = "Head too slow"


class Unauthorized(ServiceError):
    """The request has no valid API key. Send one as bearer token or in ``X-API-Key``."""

    status = 401
    title = "API key needed"
    headers: ClassVar = {"WWW-Authenticate": "Bearer"}


class Forbidden(ServiceError):
    """The API key is valid, but not for this. Ask the operator for one with the scope it needs."""

    status = 403
    title = "Not allowed with this API key"


class NotFound(ServiceError):
    """There is nothing here. ``GET /models`` lists the tasks, ``/docs`` the endpoints."""

    status = 404
    title = "Not found"


class MethodNotAllowed(ServiceError):
    """The address exists but not for this HTTP method. ``/docs`` shows the right one."""

    status = 405
    title = "Method not allowed"


class TooManyBytes(ServiceError):
    """The upload is larger than the server accepts. Send a shorter or a compressed clip."""

    status = 413
    title = "Upload too large"


class TooManySeconds(ServiceError):
    """The audio plays longer than the server accepts. Choose ``start_s`` and ``duration_s``."""

    status = 413
    title = "Audio too long"


class UploadTooSlow(ServiceError):
    """The upload crawled while others waited, or past the deadline. Use a faster connection."""

    status = 408
    title = "Upload too slow"


class ClientLeft(ServiceError):
    """The client closed the connection before the answer; only logs and figures tell of it."""

    status = 499
    title = "Client left"


class UnsupportedAudio(ServiceError):
    """The bytes are not in a format the service reads. The answer lists those that can be sent."""

    status = 415
    title = "Unsupported audio format"


class UnsupportedEncoding(ServiceError):
    """The body is compressed in another way than ``Accept-Encoding`` names. Send it as it is."""

    status = 415
    title = "Unsupported content encoding"
    headers: ClassVar = {"Accept-Encoding": "gzip, deflate"}


class UnusableAudio(ServiceError):
    """The file is empty, broken, too short, or out of bounds in channels or sampling rate."""

    status = 422
    title = "Unusable audio"


class TooManyUploads(ServiceError):
    """Too many uploads from one address at the same time. Send one after the other."""

    status = 429
    title = "Too many uploads"


class TooManyRequests(ServiceError):
    """Too many requests in a short time. Send the next one after the time in ``Retry-After``."""

    status = 429
    title = "Too many requests"


class TooManyStreams(ServiceError):
    """Too many streams from one address at the same time. End one before the next."""

    status = 429
    title = "Too many streams"


class UpgradeRequired(ServiceError):
    """Streams need a WebSocket. Connect with a client for them, to an address of ``ws://``."""

    status = 426
    title = "WebSocket needed"
    headers: ClassVar = {"Connection": "Upgrade", "Upgrade": "websocket"}


class ForeignPage(ServiceError):
    """Pages of another origin may not use this. The operator may allow them in the settings."""

    status = 403
    title = "Page of another origin"


class Overloaded(ServiceError):
    """All workers are busy and the queue is full. Retry after the time in ``Retry-After``."""

    status = 503
    title = "Too busy"


class NotReady(ServiceError):
    """The model is loading, failed its start-up proof, or is missing. See ``/health/ready``."""

    status = 503
    title = "Model not ready"


class DeadlineExceeded(ServiceError):
    """The answer took longer than the server's deadline. Send a shorter clip or retry later."""

    status = 504
    title = "Deadline exceeded"


class BundleError(Exception):
    """A model bundle is missing, damaged or does not reproduce its golden output."""


def problem_kinds() -> dict[str, type[ServiceError]]:
    """Return every kind of problem by its slug."""
    kinds: list[type[ServiceError]] = [ServiceError, *ServiceError.__subclasses__()]
    return {kind.slug(): kind for kind in kinds}
