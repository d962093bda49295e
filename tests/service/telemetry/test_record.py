import logging
import re
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY
from starlette.testclient import TestClient

from service.inference.registry import Registry
from service.settings import Settings
from service.telemetry.record import record
from tests.audio import encode, tone
from tests.service.serving import unstarted

CLIP = encode(tone())
FILE_NAME = "song-of-somebody.wav"


def counted(path: str, method: str, status: int, *, task: str = "", problem: str = "") -> float:
    labels = {
        "path": path,
        "method": method,
        "status": str(status),
        "task": task,
        "problem": problem,
    }
    return REGISTRY.get_sample_value("music_classification_requests_total", labels) or 0


def timed(path: str, task: str, status: int) -> float:
    name = "music_classification_request_duration_seconds_count"
    labels = {"path": path, "task": task, "status": str(status)}
    return REGISTRY.get_sample_value(name, labels) or 0


def logged(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    """Return what the service logged; the client in the same process may log, too."""
    return [entry for entry in caplog.records if entry.name == "service.telemetry.record"]


def logged_fields(caplog: pytest.LogCaptureFixture) -> dict[str, Any]:
    (line,) = logged(caplog)
    fields: dict[str, Any] = line.__dict__["fields"]
    return fields


@pytest.mark.parametrize(
    ("method", "address", "path", "status", "task", "problem"),
    [
        ("GET", "/health/live", "/health/live", 200, "", ""),
        ("GET", "/models/genre", "/models/{task}", 200, "", ""),
        ("GET", "/models/made-up-by-a-client", "/models/{task}", 404, "", "not-found"),
        ("POST", "/classify/genre", "/classify/{task}", 422, "genre", "unusable-audio"),
        ("POST", "/classify/made-up", "/classify/{task}", 404, "", "not-found"),
        ("POST", "/classify", "/classify", 422, "all", "unusable-audio"),
        ("GET", "/classify", "/classify", 405, "", "method-not-allowed"),
        ("GET", "/made/up/by/a/client", "unmatched", 404, "", "not-found"),
    ],
)
def test_a_request_is_counted_and_timed_under_its_route(
    client: TestClient, method: str, address: str, path: str, status: int, task: str, problem: str
) -> None:
    before = counted(path, method, status, task=task, problem=problem)
    timed_before = timed(path, task, status)

    assert client.request(method, address).status_code == status

    assert counted(path, method, status, task=task, problem=problem) == before + 1
    assert timed(path, task, status) == timed_before + 1


@pytest.mark.parametrize(
    ("address", "path", "task"),
    [("/classify/Genre", "/classify/{task}", "genre"), ("/classify", "/classify", "all")],
)
def test_what_a_model_that_loads_cannot_answer_is_counted_under_its_task(
    models_dir: Path, address: str, path: str, task: str
) -> None:
    before = counted(path, "POST", 503, task=task, problem="not-ready")
    assert unstarted(Settings(models_dir=models_dir)).post(address).status_code == 503
    assert counted(path, "POST", 503, task=task, problem="not-ready") == before + 1


def test_a_method_that_a_client_made_up_gets_no_series_of_its_own(client: TestClient) -> None:
    before = counted("/health/live", "other", 405, problem="method-not-allowed")

    client.request("BREW", "/health/live")

    assert counted("/health/live", "other", 405, problem="method-not-allowed") == before + 1
    assert counted("/health/live", "BREW", 405, problem="method-not-allowed") == 0


def test_a_crash_is_counted_as_a_failure(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(_registry: Registry) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(Registry, "entries", crash)
    before = counted("/health/ready", "GET", 500, problem="service-error")

    client.get("/health/ready")

    assert counted("/health/ready", "GET", 500, problem="service-error") == before + 1


def test_a_request_is_logged_in_one_line_that_tells_no_name(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "service.telemetry.record"):
        client.post(
            "/classify/genre",
            files={"file": (FILE_NAME, CLIP)},
            headers={"X-Request-ID": "find-me"},
        )

    fields = logged_fields(caplog)
    assert fields.pop("duration_ms") > 0
    assert list(fields.pop("stages_ms")) == ["upload", "queue", "decode", "features", "inference"]
    assert fields == {
        "request_id": "find-me",
        "client": "",
        "key": "",
        "method": "POST",
        "path": "/classify/{task}",
        "task": "genre",
        "status": 200,
        "problem": "",
        "upload_bytes": len(CLIP),
        "audio_s": 2.0,
    }
    assert "request find-me: POST /classify/{task} 200 in" in caplog.text
    assert FILE_NAME not in caplog.text


def test_what_a_client_made_up_is_not_logged(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "service.telemetry.record"):
        client.get("/models/made-up")
    (line,) = logged(caplog)
    assert "made-up" not in f"{line.getMessage()} {line.__dict__['fields']}"
    assert logged_fields(caplog)["problem"] == "not-found"


def test_the_path_of_a_file_that_is_there_is_told_and_counted_under_one_name(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    before = counted("/static/{name:path}", "GET", 200)
    with caplog.at_level(logging.INFO, "service.telemetry.record"):
        assert client.get("/static/style/page.css").status_code == 200
    assert logged_fields(caplog)["path"] == "/static/style/page.css"
    assert counted("/static/{name:path}", "GET", 200) == before + 1


def test_health_probes_are_told_to_those_who_look_for_them_only(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "service.telemetry.record"):
        client.get("/health/live")
    assert logged(caplog) == []
    with caplog.at_level(logging.DEBUG, "service.telemetry.record"):
        client.get("/health/ready")
    assert logged_fields(caplog)["path"] == "/health/ready"


def test_an_answer_tells_how_long_each_stage_took(client: TestClient) -> None:
    response = client.post("/classify", content=CLIP, headers={"content-type": "audio/wav"})
    stages = re.findall(r"(\w+);dur=([0-9.]+)", response.headers["Server-Timing"])
    assert [name for name, _ in stages] == ["upload", "queue", "decode", "features", "inference"]


def test_a_refusal_tells_the_stages_that_it_reached(client: TestClient) -> None:
    for body, reached in ((b"", ["upload"]), (b"no audio", ["upload", "queue", "decode"])):
        response = client.post("/classify", content=body, headers={"content-type": "audio/wav"})
        assert response.is_client_error
        assert re.findall(r"(\w+);dur=", response.headers["Server-Timing"]) == reached
    assert "Server-Timing" not in client.get("/health/live").headers


def test_a_scope_has_one_record() -> None:
    scope: dict[str, Any] = {"type": "http"}
    record(scope).task = "genre"
    assert record(scope).task == "genre"
