"""Traces of requests, when OpenTelemetry's own environment variables say where to send them.

Without an endpoint nothing of OpenTelemetry's SDK is imported and no request is touched.
"""

import importlib
import os
from typing import Protocol

from starlette.types import ASGIApp, Receive, Scope, Send

from service.telemetry.record import Record, record

INSTALL = "pip install -c requirements.lock '.[tracing]'"
PROTOCOL = "http/protobuf"


class TracingError(Exception):
    """Traces are asked for in a way that cannot be served."""


class RequestTrace(Protocol):
    """The trace of one request under way."""

    @property
    def trace_id(self) -> str:
        """The id that all parts of the trace share, in hexadecimal."""

    def end(self, scope: Scope, noted: Record) -> None:
        """Describe the request and its stages, and hand the trace over to be sent."""


class Traces(Protocol):
    """Where traces are begun and sent from."""

    def begin(self, scope: Scope) -> RequestTrace:
        """Begin the trace of a request, or join the one that its client began."""

    def close(self) -> None:
        """Send what has not been sent."""


def traces_from_environment() -> Traces | None:
    """Return what sends the traces, or nothing if none are asked for.

    Raises
    ------
    TracingError
        What is needed is not installed, or another protocol is asked for.
    """
    if not _endpoint() or _variable("OTEL_SDK_DISABLED").lower() == "true":
        return None
    exporter = _variable("OTEL_TRACES_EXPORTER") or "otlp"
    if exporter == "none":
        return None
    if exporter != "otlp":
        raise TracingError(f"OTEL_TRACES_EXPORTER is {exporter}; only otlp and none are known.")
    protocol = _of_traces("PROTOCOL") or PROTOCOL
    if protocol != PROTOCOL:
        raise TracingError(f"OTEL_EXPORTER_OTLP_PROTOCOL is {protocol}; only {PROTOCOL} is known.")
    if not _endpoint().startswith(("http://", "https://")):
        raise TracingError("OTEL_EXPORTER_OTLP_ENDPOINT must begin with http:// or https://.")
    try:
        spans = importlib.import_module("service.telemetry.spans")
    except ModuleNotFoundError as error:
        raise TracingError(
            f"OTEL_EXPORTER_OTLP_ENDPOINT asks for traces, but {error.name} is not installed. "
            f"Unset it, or install what is missing: {INSTALL}"
        ) from error
    try:
        traces: Traces = spans.Spans()
    except ValueError as error:
        raise TracingError(f"One of the variables OTEL_… has no valid value: {error}") from error
    return traces


class TracingMiddleware:
    """Trace each request from its arrival to the end of its answer."""

    def __init__(self, app: ASGIApp, traces: Traces) -> None:
        self._app = app
        self._traces = traces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        noted = record(scope)
        trace = self._traces.begin(scope)
        noted.trace_id = trace.trace_id
        try:
            await self._app(scope, receive, send)
        finally:
            trace.end(scope, noted)


def _endpoint() -> str:
    return _of_traces("ENDPOINT")


def _of_traces(name: str) -> str:
    """Return a variable for traces, or else the one for all that is sent."""
    return _variable(f"OTEL_EXPORTER_OTLP_TRACES_{name}") or _variable(f"OTEL_EXPORTER_OTLP_{name}")


def _variable(name: str) -> str:
    return os.environ.get(name, "").strip()
