"""What the service counts for Prometheus, and its one log line per request."""

import logging
import time

from prometheus_client import Counter, Gauge, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.request_id import request_id

logger = logging.getLogger(__name__)

REQUESTS = Counter(
    "service_requests", "Requests by path, method and status", ["path", "method", "status"]
)
LATENCY = Histogram(
    "service_request_duration_seconds",
    "Time from the request's arrival to the end of its answer",
    ["path"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
PROBLEMS = Counter("service_problems", "Problem documents sent, by kind", ["kind"])
PENDING = Gauge(
    "service_pending_clips", "Uploads that are received, wait for a worker or are being classified"
)
METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})


class MetricsMiddleware:
    """Count and log every request, under its route and never a path that a client made up."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 500
        began = time.perf_counter()

        async def send_and_note_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, send_and_note_status)
        finally:
            path = getattr(scope.get("route"), "path", "unmatched")
            method = scope["method"] if scope["method"] in METHODS else "other"
            seconds = time.perf_counter() - began
            logger.info(
                "request %s: %s %s %d in %.0f ms",
                request_id(scope),
                method,
                path,
                status,
                1e3 * seconds,
            )
            REQUESTS.labels(path, method, str(status)).inc()
            LATENCY.labels(path).observe(seconds)
