import sys

import pytest

from service.__main__ import main
from service.telemetry.tracing import TracingError, traces_from_environment

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
ADDRESS = "http://127.0.0.1:9"


@pytest.fixture(autouse=True)
def _endpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENDPOINT, ADDRESS)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        (ENDPOINT, ""),
        (ENDPOINT, " "),
        ("OTEL_SDK_DISABLED", "true"),
        ("OTEL_TRACES_EXPORTER", "none"),
    ],
)
def test_traces_are_sent_only_when_asked_for(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    monkeypatch.setitem(sys.modules, "service.telemetry.spans", None)
    assert traces_from_environment() is None


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("OTEL_TRACES_EXPORTER", "zipkin"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/json"),
        (ENDPOINT, "collector:4317"),
    ],
)
def test_what_cannot_be_served_is_refused_by_name(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(TracingError, match=variable.replace("TRACES_PROTOCOL", "PROTOCOL")):
        traces_from_environment()


def test_the_endpoint_of_traces_counts_more_than_that_of_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", f"{ADDRESS}/v1/traces")
    monkeypatch.setenv(ENDPOINT, "nonsense")
    traces = traces_from_environment()
    assert traces is not None
    traces.close()


@pytest.mark.usefixtures("started_here")
def test_the_service_does_not_start_without_what_traces_need(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delitem(sys.modules, "service.telemetry.spans", raising=False)
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.resources", None)

    assert main() == 2

    assert "pip install -c requirements.lock '.[tracing]'" in capsys.readouterr().err
