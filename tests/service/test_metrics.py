import pytest
from prometheus_client import REGISTRY
from starlette.testclient import TestClient

from service.registry import Registry
from service.settings import Settings
from service.workers import WorkerPool
from tests.service.serving import unstarted


def counted(path: str, method: str, status: int) -> float:
    labels = {"path": path, "method": method, "status": str(status)}
    return REGISTRY.get_sample_value("service_requests_total", labels) or 0


def timed(path: str) -> float:
    name = "service_request_duration_seconds_count"
    return REGISTRY.get_sample_value(name, {"path": path}) or 0


@pytest.mark.parametrize(
    ("method", "address", "path", "status"),
    [
        ("GET", "/health/live", "/health/live", 200),
        ("GET", "/models/genre", "/models/{task}", 200),
        ("GET", "/models/made-up-by-a-client", "/models/{task}", 404),
        ("POST", "/classify/genre", "/classify/{task}", 415),
        ("GET", "/classify", "/classify", 405),
        ("GET", "/made/up/by/a/client", "unmatched", 404),
    ],
)
def test_a_request_is_counted_and_timed_under_its_route(
    client: TestClient, method: str, address: str, path: str, status: int
) -> None:
    before, timed_before = counted(path, method, status), timed(path)

    assert client.request(method, address).status_code == status

    assert counted(path, method, status) == before + 1
    assert timed(path) == timed_before + 1


def test_a_method_that_a_client_made_up_gets_no_series_of_its_own(client: TestClient) -> None:
    before = counted("/health/live", "other", 405)

    client.request("BREW", "/health/live")

    assert counted("/health/live", "other", 405) == before + 1
    assert counted("/health/live", "BREW", 405) == 0


def test_a_crash_is_counted_as_a_failure(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(_registry: Registry) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(Registry, "entries", crash)
    before = counted("/health/ready", "GET", 500)

    client.get("/health/ready")

    assert counted("/health/ready", "GET", 500) == before + 1


def test_pending_clips_are_those_of_the_worker_pool(monkeypatch: pytest.MonkeyPatch) -> None:
    unstarted(Settings())
    monkeypatch.setattr(WorkerPool, "pending", 7)
    assert REGISTRY.get_sample_value("service_pending_clips") == 7


def test_each_request_is_logged_with_its_id_and_route(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO", "service.metrics"):
        client.get("/models/made-up", headers={"X-Request-ID": "find-me"})
    assert "request find-me: GET /models/{task} 404 in" in caplog.text
    assert "made-up" not in caplog.text


def test_problems_are_counted_by_kind(client: TestClient) -> None:
    def count() -> float:
        return REGISTRY.get_sample_value("service_problems_total", {"kind": "not-found"}) or 0

    before = count()
    client.get("/nowhere")
    assert count() == before + 1
