"""What becomes of one request: for its log line, its figures and its ``Server-Timing`` header."""

import logging
import time
from dataclasses import dataclass, field
from typing import cast

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.errors import BadRequest, ServiceError
from service.inference.timings import Timings
from service.telemetry import metrics
from service.telemetry.client_address import Exactness, shown_client
from service.telemetry.request_id import request_id

logger = logging.getLogger(__name__)

METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
UNMATCHED = "unmatched"
ASSETS = "assets"
PROBES = "/health/"
_SCOPE_KEY = "record"


@dataclass
class Record:
    """What is noted of one request, never anything that tells a file or an API key.

    Attributes
    ----------
    client
        Where it came from, as exactly as the operator wants it.
    key
        Name of the API key; empty without one.
    task
        The task that was asked for, or ``all``; empty where there is none of that name, and where
        the request was refused before that was looked at.
    status
        Status of the answer.
    problem
        Kind of problem that was answered; empty when all went well.
    upload_bytes
        Size of the upload.
    audio_s
        Seconds of audio that were decoded.
    timings
        Time of each stage.
    trace_id
        The trace that tells of it; empty when there is none.
    """

    client: str = ""
    key: str = ""
    task: str = ""
    status: int = ServiceError.status
    problem: str = ""
    upload_bytes: int = 0
    audio_s: float = 0.0
    timings: Timings = field(default_factory=Timings)
    trace_id: str = ""


def record(scope: Scope) -> Record:
    """Return the record of the request that a scope belongs to."""
    return cast(Record, scope.setdefault(_SCOPE_KEY, Record()))


def route_path(scope: Scope) -> str:
    """Return the path of the route that answers, with its parameters unfilled."""
    return getattr(scope.get("route"), "path", UNMATCHED)


def _counted_path(scope: Scope, noted: Record) -> str:
    """Return the route's path, or one name for all files of the pages."""
    path = route_path(scope)
    return ASSETS if path == UNMATCHED and _found(noted) else path


def _logged_path(scope: Scope, noted: Record) -> str:
    """Return the route's path; of a file that is there, its own."""
    path = route_path(scope)
    names_a_file = path == UNMATCHED or path.endswith(":path}")
    own: str = scope.get("path", "")
    return own if names_a_file and _found(noted) else path


def _found(noted: Record) -> bool:
    # What no route answers and is there all the same is a file that the pages need, so its path
    # is none that a client made up.
    return noted.status < BadRequest.status


def known_method(scope: Scope) -> str:
    """Return the HTTP method, if it is none that a client made up."""
    method: str = scope["method"]
    return method if method in METHODS else "other"


class RecordMiddleware:
    """Count, time and log every request, under its route and never a path that a client made up.

    Parameters
    ----------
    app
        The application within.
    log_client
        How exactly the log tells where a request came from.
    """

    def __init__(self, app: ASGIApp, log_client: Exactness = "network") -> None:
        self._app = app
        self._log_client = log_client

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        noted = record(scope)
        noted.client = shown_client(scope, self._log_client)
        if scope["type"] != "http":  # service.telemetry.streams tells of these
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()

        async def send_and_note_status(message: Message) -> None:
            if message["type"] == "http.response.start":
                noted.status = message["status"]
                if timing := noted.timings.server_timing():
                    MutableHeaders(scope=message)["Server-Timing"] = timing
            await send(message)

        try:
            await self._app(scope, receive, send_and_note_status)
        except Exception:
            noted.problem = ServiceError.slug()
            raise
        finally:
            finish(scope, noted, time.perf_counter() - began)


def finish(scope: Scope, noted: Record, seconds: float) -> None:
    """Count, time and log a request that has its answer."""
    counted, method, status = _counted_path(scope, noted), known_method(scope), str(noted.status)
    path = _logged_path(scope, noted)
    stages = noted.timings.seconds()
    metrics.REQUESTS.labels(counted, method, noted.task, status, noted.problem).inc()
    metrics.LATENCY.labels(counted, noted.task, status).observe(seconds)
    if noted.key:
        metrics.KEY_REQUESTS.labels(noted.key, status).inc()
    for name, stage_s in stages.items():
        metrics.STAGES.labels(name).observe(stage_s)
    identifier = request_id(scope)
    fields = {
        "request_id": identifier,
        "client": noted.client,
        "key": noted.key,
        "method": method,
        "path": path,
        "task": noted.task,
        "status": noted.status,
        "problem": noted.problem,
        "duration_ms": round(1e3 * seconds, 1),
        "upload_bytes": noted.upload_bytes,
        "audio_s": round(noted.audio_s, 3),
        "stages_ms": {name: round(1e3 * stage_s, 1) for name, stage_s in stages.items()},
    }
    if noted.trace_id:
        fields["trace_id"] = noted.trace_id
    logger.log(
        # A balancer asks every few seconds, and would bury what clients do.
        logging.DEBUG if path.startswith(PROBES) else logging.INFO,
        "request %s: %s %s %d in %.0f ms",
        identifier,
        method,
        path,
        noted.status,
        1e3 * seconds,
        extra={"fields": fields},
    )
