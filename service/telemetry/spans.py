"""Spans of requests, sent by OpenTelemetry's SDK; imported only if ``tracing`` says so.

The spans of the stages are made when the request ends, from its ``Timings``, so that nothing
has to follow a request from thread to thread.
"""

import time
from threading import Thread

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import (
    Span,
    SpanKind,
    StatusCode,
    Tracer,
    format_trace_id,
    set_span_in_context,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from starlette.datastructures import Headers
from starlette.types import Scope

from service import __version__
from service.errors import ServiceError
from service.telemetry.record import UNMATCHED, Record, known_method, route_path
from service.telemetry.request_id import request_id

NAME = "music-classification"
# A collector that does not answer must not keep the service from ending.
CLOSE_S = 3.0

_NS = 1_000_000_000
_propagator = TraceContextTextMapPropagator()


class Spans:
    """Begins the trace of each request and sends it, in the background, once it has ended."""

    def __init__(self) -> None:
        defaults = Resource.create({SERVICE_NAME: NAME, "service.version": __version__})
        # The operator's names count more: OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES.
        resource = defaults.merge(OTELResourceDetector().detect())
        # Not the provider of the whole process: FastAPI would add spans with addresses and
        # queries as clients wrote them.
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("service", __version__)

    def begin(self, scope: Scope) -> "RequestSpan":
        """Begin the span of a request, as a child of the one that ``traceparent`` names."""
        return RequestSpan(self._tracer, scope)

    def close(self) -> None:
        """Send what has not been sent, if that takes no longer than a moment."""
        closing = Thread(target=self._provider.shutdown, name="close-spans", daemon=True)
        closing.start()
        closing.join(CLOSE_S)


def _parent(scope: Scope) -> dict[str, str]:
    """Return the client's trace and span; its ``tracestate`` may say anything and is left."""
    parent = Headers(scope=scope).get("traceparent")
    return {} if parent is None else {"traceparent": parent}


class RequestSpan:
    """The span of one request; those of its stages are its children."""

    def __init__(self, tracer: Tracer, scope: Scope) -> None:
        self._tracer = tracer
        began_s = time.perf_counter()
        # All times of one trace are told by one clock, as that of the day may be put back.
        self._epoch_ns = time.time_ns() - int(began_s * _NS)
        self._span: Span = tracer.start_span(
            known_method(scope),
            context=_propagator.extract(_parent(scope)),
            kind=SpanKind.SERVER,
            start_time=self._ns(began_s),
        )

    @property
    def trace_id(self) -> str:
        """The id that all spans of the trace share, in hexadecimal."""
        return format_trace_id(self._span.get_span_context().trace_id)

    def end(self, scope: Scope, noted: Record) -> None:
        """Describe the request, named as in the log, and make the spans of its stages."""
        method, path = known_method(scope), route_path(scope)
        self._span.set_attributes(
            {
                "http.request.method": method,
                "http.response.status_code": noted.status,
                "request_id": request_id(scope),
                "task": noted.task,
                "problem": noted.problem,
            }
        )
        if path != UNMATCHED:
            self._span.update_name(f"{method} {path}")
            self._span.set_attribute("http.route", path)
        if noted.status >= ServiceError.status:
            self._span.set_attribute("error.type", noted.problem)
            self._span.set_status(StatusCode.ERROR)
        within = set_span_in_context(self._span)
        for stage in noted.timings.intervals():
            child = self._tracer.start_span(
                stage.name, context=within, start_time=self._ns(stage.began_s)
            )
            child.end(self._ns(stage.began_s + stage.seconds))
        self._span.end(self._ns(time.perf_counter()))

    def _ns(self, at_s: float) -> int:
        return self._epoch_ns + int(at_s * _NS)
