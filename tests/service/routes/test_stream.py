"""Who may listen, and what those hear who may not."""

import hashlib
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from prometheus_client import REGISTRY
from starlette.testclient import TestClient, WebSocketDenialResponse

from service.settings import Settings
from tests.service.serving import assert_problem, serve, unstarted
from tests.service.streaming.said import START_JSON

KEY = "0123456789abcdef"
OTHER_PAGE = "https://elsewhere.example"


@pytest.fixture(scope="module")
def guarded(models_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A client without a key of a service that asks for one."""
    keys = tmp_path_factory.mktemp("keys") / "keys.txt"
    keys.write_text(hashlib.sha256(KEY.encode()).hexdigest(), "utf-8")
    with serve(Settings(models_dir=models_dir, api_keys_file=keys)) as client:
        yield client


def refusal(client: TestClient, path: str, status: int, slug: str, **how: Any) -> dict[str, Any]:
    """Check that a stream is refused with a problem document; return it."""
    with (
        pytest.raises(WebSocketDenialResponse) as refused,
        client.websocket_connect(path, **how),
    ):
        pass
    response = refused.value
    response.request = client.build_request("GET", path)
    return assert_problem(response, status, slug)


def is_heard(client: TestClient, path: str = "/stream/genre", **how: Any) -> bool:
    """Tell whether a stream gets its last answer."""
    with client.websocket_connect(path, **how) as websocket:
        websocket.send_json(START_JSON)
        websocket.send_json({"end": True})
        return websocket.receive_json()["final"] is True


def test_a_task_that_does_not_exist_is_refused(client: TestClient) -> None:
    problem = refusal(client, "/stream/tempo", 404, "not-found")
    assert "genre" in problem["detail"]


def test_a_slash_at_the_end_does_no_harm(client: TestClient) -> None:
    assert is_heard(client, "/stream/")
    assert is_heard(client, "/stream/genre/")


def test_a_model_that_loads_is_not_ready(models_dir: Path) -> None:
    client = unstarted(Settings(models_dir=models_dir))
    name = "music_classification_streams_ended_total"
    for path, task in (("/stream", "all"), ("/stream/Genre", "genre")):
        labels = {"task": task, "ending": "refused", "problem": "not-ready"}
        before = REGISTRY.get_sample_value(name, labels) or 0
        refusal(client, path, 503, "not-ready")
        assert REGISTRY.get_sample_value(name, labels) == before + 1


def test_a_service_that_stops_takes_no_more_streams(models_dir: Path) -> None:
    with serve(Settings(models_dir=models_dir)) as client:
        assert isinstance(client.app, FastAPI)
        client.app.state.stopping.set()
        assert "stops" in refusal(client, "/stream", 503, "not-ready")["detail"]


def test_a_stream_too_many_is_refused(models_dir: Path) -> None:
    settings = Settings(models_dir=models_dir, max_streams=2)
    with (
        serve(settings) as client,
        client.websocket_connect("/stream") as first,
        client.websocket_connect("/stream"),
    ):
        assert "2" in refusal(client, "/stream", 503, "overloaded")["detail"]
        first.send_json(START_JSON)
        first.send_json({"end": True})
        first.receive_json()
        assert first.receive()["type"] == "websocket.close"
        assert is_heard(client)


def test_one_address_may_have_only_so_many(models_dir: Path) -> None:
    settings = Settings(models_dir=models_dir, max_streams_per_client=1)
    with serve(settings) as client, client.websocket_connect("/stream"):
        refusal(client, "/stream", 429, "too-many-streams")


def test_a_refusal_is_logged_once(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "service.telemetry")
    problem = refusal(client, "/stream/tempo", 404, "not-found")
    (line,) = [r.__dict__["fields"] for r in caplog.records if r.name.startswith("service.tele")]
    assert line["request_id"] == problem["request_id"]
    assert (line["ending"], line["problem"], line["task"]) == ("refused", "not-found", "")


def test_the_request_id_is_told_and_may_be_chosen(client: TestClient) -> None:
    with client.websocket_connect("/stream", headers={"X-Request-ID": "mine"}) as websocket:
        headers: dict[bytes, bytes] = dict(websocket.extra_headers or [])
    assert headers[b"x-request-id"] == b"mine"


@pytest.mark.parametrize(
    "how",
    [
        {"headers": {"X-API-Key": KEY}},
        {"headers": {"Authorization": f"Bearer {KEY}"}},
        {"subprotocols": ["music-classification", f"key.{KEY}"]},
        {"subprotocols": ["music-classification", "key64.MDEyMzQ1Njc4OWFiY2RlZg"]},
    ],
    ids=["header", "bearer", "browser", "browser, any key"],
)
def test_a_valid_key_is_let_through(guarded: TestClient, how: dict[str, Any]) -> None:
    assert is_heard(guarded, **how)


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"headers": {"X-API-Key": "wrong"}},
        {"headers": {"Authorization": f"Basic {KEY}"}},
        {"headers": {"Authorization": "Bearer"}},
        {"subprotocols": ["music-classification", "key.wrong"]},
        {"subprotocols": ["music-classification", "key64.d3Jvbmc"]},
        {"subprotocols": ["music-classification", "key64.x"]},
        {"subprotocols": ["music-classification", "key64.____"]},
        {"subprotocols": [KEY]},
    ],
)
def test_a_wrong_key_is_refused(guarded: TestClient, how: dict[str, Any]) -> None:
    refusal(guarded, "/stream", 401, "unauthorized", **how)


def test_of_what_a_browser_offers_never_the_key_is_accepted(guarded: TestClient) -> None:
    offers = [f"key.{KEY}", "music-classification"]
    with guarded.websocket_connect("/stream", subprotocols=offers) as websocket:
        assert websocket.accepted_subprotocol == "music-classification"


def test_pages_of_other_origins_need_to_be_allowed(models_dir: Path) -> None:
    other, own = {"origin": OTHER_PAGE}, {"origin": "http://testserver"}
    with serve(Settings(models_dir=models_dir)) as client:
        assert is_heard(client, headers=own)
        refusal(client, "/stream", 403, "foreign-page", headers=other)
        refusal(client, "/stream", 403, "foreign-page", headers={"origin": "http://[::1"})
    for allowed in (OTHER_PAGE, "*"):
        with serve(Settings(models_dir=models_dir, cors_origins=(allowed,))) as client:
            assert is_heard(client, headers=other)


@pytest.mark.parametrize("path", ["/stream", "/stream/genre"])
def test_whoever_asks_without_a_websocket_is_told(client: TestClient, path: str) -> None:
    response = client.get(path)
    assert_problem(response, 426, "upgrade-required")
    assert response.headers["Upgrade"] == "websocket"


def test_whoever_asks_without_a_websocket_is_told_why_one_would_be_refused(
    models_dir: Path, guarded: TestClient
) -> None:
    assert_problem(guarded.get("/stream"), 401, "unauthorized")
    assert_problem(guarded.get("/stream", headers={"X-API-Key": KEY}), 426, "upgrade-required")
    assert_problem(guarded.get("/stream/tempo", headers={"X-API-Key": KEY}), 404, "not-found")
    with serve(Settings(models_dir=models_dir, max_streams=1)) as client:
        with client.websocket_connect("/stream"):
            problem = assert_problem(client.get("/stream"), 503, "overloaded")
            assert "All 1 streams are taken" in problem["detail"]
        # To ask has taken no place.
        for _ in range(2):
            assert_problem(client.get("/stream"), 426, "upgrade-required")
        assert is_heard(client)


def test_a_key_without_the_scope_hears_no_stream(models_dir: Path, tmp_path: Path) -> None:
    keys = tmp_path / "keys.txt"
    keys.write_text(f"{hashlib.sha256(KEY.encode()).hexdigest()} player scopes=classify", "utf-8")
    with serve(Settings(models_dir=models_dir, api_keys_file=keys)) as client:
        told = {"headers": {"Authorization": f"Bearer {KEY}"}}
        problem = refusal(client, "/stream", 403, "forbidden", **told)
    assert "'player' may not be used for stream" in problem["detail"]


def test_streams_count_to_the_rate_of_requests(models_dir: Path) -> None:
    settings = Settings(models_dir=models_dir, rate_limit_per_minute=1, rate_limit_burst=2)
    with serve(settings) as client:
        assert is_heard(client)
        assert is_heard(client)
        problem = refusal(client, "/stream", 429, "too-many-requests")
    assert "Try again in" in problem["detail"]
