"""A collector of traces, as OpenTelemetry's exporters find one on the other side of HTTP."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Span

TIMEOUT_S = 30.0


class Collector(ThreadingHTTPServer):
    """Keeps what is posted to ``/v1/traces``."""

    def __init__(self) -> None:
        self.raw: list[bytes] = []
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def resources(self) -> list[ResourceSpans]:
        """Return all that has come, with what is said about the sender."""
        requests = [ExportTraceServiceRequest.FromString(body) for body in list(self.raw)]
        return [resource for request in requests for resource in request.resource_spans]

    def spans(self) -> list[Span]:
        """Return all spans that have come."""
        return [
            span
            for resource in self.resources()
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def wait_for(self, name: str) -> Span:
        """Return the first span of a name once it has come."""
        deadline = time.monotonic() + TIMEOUT_S
        while True:
            for span in self.spans():
                if span.name == name:
                    return span
            assert time.monotonic() < deadline, f"no span {name} came"
            time.sleep(0.02)


class _Handler(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        right = self.path == "/v1/traces"
        if right and self.headers["Content-Type"] == "application/x-protobuf":
            self.server.raw.append(body)
        answer = ExportTraceServiceResponse().SerializeToString()
        self.send_response(200 if right else 404)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # named by its base
        """Say nothing."""


@contextmanager
def collector() -> Iterator[Collector]:
    """Run a collector."""
    with Collector() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def attributes(pairs: Iterator[KeyValue] | list[KeyValue]) -> dict[str, object]:
    """Return attributes as a dictionary of strings and numbers."""
    return {
        pair.key: getattr(pair.value, pair.value.WhichOneof("value") or "string_value")
        for pair in pairs
    }
