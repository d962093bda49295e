import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from service import __version__
from service.telemetry import spans
from tests.audio import encode, tone
from tests.collector import Collector, attributes, collector
from tests.server import TIMEOUT_S, server

CLIP = encode(tone())
FILE_NAME = "song-of-somebody.wav"
TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
PARENT_ID = "b7ad6b7169203331"
JOINED = {"traceparent": f"00-{TRACE_ID}-{PARENT_ID}-01", "X-Request-ID": "find-me"}
STAGES = ["upload", "queue", "decode", "features", "inference"]


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("spans") / "log"


@pytest.fixture(scope="module")
def receiver() -> Iterator[Collector]:
    with collector() as running:
        yield running


@pytest.fixture(scope="module")
def client(models_dir: Path, log: Path, receiver: Collector) -> Iterator[httpx2.Client]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.address)
        patch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test")
        patch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")  # ms
        with server(models_dir, log) as (_, client):
            yield client


def children(receiver: Collector, parent: Span) -> list[Span]:
    found = [span for span in receiver.spans() if span.parent_span_id == parent.span_id]
    return sorted(found, key=lambda span: (span.start_time_unix_nano, span.end_time_unix_nano))


def test_a_request_joins_the_trace_of_its_client(
    client: httpx2.Client, receiver: Collector, log: Path
) -> None:
    before_ns = time.time_ns()
    answer = client.post("/classify/genre", files={"file": (FILE_NAME, CLIP)}, headers=JOINED)
    assert answer.status_code == 200

    span = receiver.wait_for("POST /classify/{task}")

    assert span.trace_id.hex() == TRACE_ID
    assert span.parent_span_id.hex() == PARENT_ID
    assert span.kind == Span.SPAN_KIND_SERVER
    assert attributes(list(span.attributes)) == {
        "http.request.method": "POST",
        "http.response.status_code": 200,
        "http.route": "/classify/{task}",
        "request_id": "find-me",
        "task": "genre",
        "problem": "",
    }
    (line,) = [line for line in log.read_text().splitlines() if "find-me" in line]
    assert json.loads(line)["trace_id"] == TRACE_ID
    assert before_ns <= span.start_time_unix_nano < span.end_time_unix_nano <= time.time_ns()

    stages = children(receiver, span)
    assert [stage.name for stage in stages] == STAGES
    told_ms = json.loads(line)["stages_ms"]
    for stage in stages:
        assert span.start_time_unix_nano <= stage.start_time_unix_nano
        assert stage.start_time_unix_nano <= stage.end_time_unix_nano <= span.end_time_unix_nano
        took_ms = (stage.end_time_unix_nano - stage.start_time_unix_nano) / 1e6
        assert took_ms == pytest.approx(told_ms[stage.name], abs=0.06)


def test_a_request_without_a_trace_begins_one(client: httpx2.Client, receiver: Collector) -> None:
    client.get("/models", headers={"traceparent": "broken"})
    span = receiver.wait_for("GET /models")
    assert span.parent_span_id == b""
    assert len(span.trace_id) == 16
    assert children(receiver, span) == []


def test_each_model_has_a_span_of_its_own_once_the_features_of_all_are_made(
    client: httpx2.Client, receiver: Collector
) -> None:
    client.post("/classify", content=CLIP, headers={"content-type": "audio/wav"})
    span = receiver.wait_for("POST /classify")
    assert attributes(list(span.attributes))["task"] == "all"
    names = [stage.name for stage in children(receiver, span)]
    assert sorted(names) == sorted([*STAGES, "inference", "inference"])


def test_a_problem_is_named_and_only_the_services_own_are_errors(
    client: httpx2.Client, receiver: Collector
) -> None:
    client.get("/models/made-up")
    span = receiver.wait_for("GET /models/{task}")
    assert attributes(list(span.attributes))["problem"] == "not-found"
    assert attributes(list(span.attributes))["http.response.status_code"] == 404
    assert span.status.code == Status.STATUS_CODE_UNSET


def test_nothing_that_a_client_made_up_is_sent(client: httpx2.Client, receiver: Collector) -> None:
    client.post(f"/{FILE_NAME}?name={FILE_NAME}", headers={"User-Agent": FILE_NAME})
    span = receiver.wait_for("POST")
    assert "http.route" not in attributes(list(span.attributes))
    parent = {"traceparent": f"00-{'2' * 32}-{PARENT_ID}-01", "tracestate": f"a={FILE_NAME}"}
    client.get("/models", headers=parent)
    receiver.wait_for("GET /models")
    client.request("BREW", "/health/live")
    receiver.wait_for("other /health/live")
    assert FILE_NAME.encode() not in b"".join(receiver.raw)


def test_the_sender_is_named_with_what_its_operator_adds(
    client: httpx2.Client, receiver: Collector
) -> None:
    client.get("/health/live")
    receiver.wait_for("GET /health/live")
    described = attributes(list(receiver.resources()[0].resource.attributes))
    assert described["service.name"] == spans.NAME
    assert described["service.version"] == __version__
    assert described["deployment.environment.name"] == "test"


def test_what_the_client_does_not_sample_is_not_sent_but_logged(
    client: httpx2.Client, receiver: Collector, log: Path
) -> None:
    unsampled = "1" * 32
    client.get("/models", headers={"traceparent": f"00-{unsampled}-{PARENT_ID}-00"})
    client.head("/")
    receiver.wait_for("HEAD /")
    assert unsampled in log.read_text()
    assert bytes.fromhex(unsampled) not in {span.trace_id for span in receiver.spans()}


def test_an_unready_service_is_an_error(models_dir: Path, tmp_path: Path) -> None:
    with collector() as receiver, pytest.MonkeyPatch.context() as patch:
        patch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", f"{receiver.address}/v1/traces")
        patch.setenv("OTEL_SERVICE_NAME", "mine")
        settings: dict[str, object] = {"tasks": "genre tempo", "ready_when": "any"}
        log = tmp_path / "log"
        with server(models_dir, log, shutdown_delay_s=0, **settings) as (process, client):
            assert client.post("/classify/tempo", content=b"").status_code == 503
            process.send_signal(signal.SIGTERM)
            # What is still to be sent is sent before the end.
            assert process.wait(TIMEOUT_S) == 0
        span = receiver.wait_for("POST /classify/{task}")
        assert span.status.code == Status.STATUS_CODE_ERROR
        assert attributes(list(span.attributes))["error.type"] == "not-ready"
        described = attributes(list(receiver.resources()[0].resource.attributes))
        assert described["service.name"] == "mine"


def test_a_collector_that_is_gone_hurts_nobody(models_dir: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
        with server(models_dir, log, shutdown_delay_s=0) as (process, client):
            answer = client.post("/classify/genre", files={"file": ("clip.wav", CLIP)})
            assert answer.status_code == 200
            process.send_signal(signal.SIGTERM)
            began = time.monotonic()
            assert process.wait(TIMEOUT_S) == 0
            assert time.monotonic() - began < spans.CLOSE_S + 5
