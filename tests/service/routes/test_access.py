import hashlib
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import REGISTRY
from starlette.testclient import TestClient

from service.settings import Settings
from tests.audio import encode, tone
from tests.service.serving import assert_problem, serve, unstarted

KEY = "a key for tests"
CLIP = encode(tone())
RAW = {"content-type": "audio/wav"}
ORIGIN = "https://example.org"
GUARDED = ("/models", "/models/genre", "/metrics")
OPEN = ("/", "/docs", "/openapi.json", "/health/live", "/health/ready", "/problems/unauthorized")


PLAYER, FORMER, METER = "of a player", "of last year", "of Prometheus"


def line(key: str, said: str = "") -> str:
    return f"{hashlib.sha256(key.encode()).hexdigest()} {said}\n"


@pytest.fixture(scope="module")
def guarded(models_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A client without a key of a service that asks for one."""
    keys = tmp_path_factory.mktemp("keys") / "keys.txt"
    keys.write_text(
        line(KEY)
        + line(PLAYER, "player scopes=classify")
        + line(FORMER, "player expires=2024-12-31")
        + line(METER, "prometheus scopes=metrics"),
        "utf-8",
    )
    with serve(Settings(models_dir=models_dir, api_keys_file=keys)) as client:
        yield client


@pytest.mark.parametrize("path", ["/classify", "/classify/genre"])
def test_an_upload_without_a_key_is_refused_unread(guarded: TestClient, path: str) -> None:
    response = guarded.post(path, content=CLIP, headers=RAW)
    problem = assert_problem(response, 401, "unauthorized")
    assert "X-API-Key" in problem["detail"]
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert "Server-Timing" not in response.headers


@pytest.mark.parametrize(
    "header", [{"X-API-Key": KEY}, {"Authorization": f"Bearer {KEY}"}], ids=["header", "bearer"]
)
def test_a_valid_key_is_let_through(guarded: TestClient, header: dict[str, str]) -> None:
    assert guarded.post("/classify", content=CLIP, headers=RAW | header).status_code == 200
    for path in GUARDED:
        assert guarded.get(path, headers=header).status_code == 200


@pytest.mark.parametrize(
    "header",
    [
        {"X-API-Key": "wrong"},
        {"X-API-Key": ""},
        {"Authorization": "Bearer wrong"},
        {"Authorization": f"Basic {KEY}"},
        {"Authorization": "Bearer"},
    ],
)
def test_a_wrong_key_is_refused(guarded: TestClient, header: dict[str, str]) -> None:
    for path in GUARDED:
        assert_problem(guarded.get(path, headers=header), 401, "unauthorized")


@pytest.mark.parametrize("path", OPEN)
def test_what_everybody_needs_stays_open(guarded: TestClient, path: str) -> None:
    assert guarded.get(path).status_code == 200


def test_the_document_asks_for_a_key_only_where_the_service_does(
    guarded: TestClient, client: TestClient
) -> None:
    asking = guarded.get("/openapi.json").json()
    operation = asking["paths"]["/classify/genre"]["post"]
    assert operation["security"]
    assert "401" in operation["responses"]
    assert {scheme["type"] for scheme in asking["components"]["securitySchemes"].values()} == {
        "apiKey",
        "http",
    }
    assert "securitySchemes" not in client.get("/openapi.json").json()["components"]


def test_no_other_origin_may_read_answers_by_default(client: TestClient) -> None:
    response = client.get("/models", headers={"Origin": ORIGIN})
    assert "access-control-allow-origin" not in response.headers


def test_a_listed_origin_may_send_uploads_and_read_answers(models_dir: Path) -> None:
    client = unstarted(Settings(models_dir=models_dir, cors_origins=(ORIGIN,)))

    allowed = client.get("/models", headers={"Origin": ORIGIN}).headers
    assert allowed["access-control-allow-origin"] == ORIGIN
    assert "X-Request-ID" in allowed["access-control-expose-headers"]
    asked = {
        "Origin": ORIGIN,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization, content-encoding, content-type, "
        "traceparent, tracestate, x-api-key, x-request-id",
    }
    assert client.options("/classify", headers=asked).status_code == 200

    other = client.get("/models", headers={"Origin": "https://example.com"}).headers
    assert "access-control-allow-origin" not in other


def test_a_key_is_let_through_for_its_scopes_only(guarded: TestClient) -> None:
    def status(key: str, path: str) -> int:
        return guarded.get(path, headers={"X-API-Key": key}).status_code

    assert [status(PLAYER, path) for path in GUARDED] == [200, 200, 403]
    assert [status(METER, path) for path in GUARDED] == [200, 200, 200]
    refused = guarded.post("/classify", content=CLIP, headers=RAW | {"X-API-Key": METER})
    problem = assert_problem(refused, 403, "forbidden")
    assert "'prometheus' may not be used for classify, only for metrics" in problem["detail"]


def test_a_key_whose_last_day_is_over_is_refused(guarded: TestClient) -> None:
    answer = guarded.get("/models", headers={"X-API-Key": FORMER})
    assert_problem(answer, 401, "unauthorized")


def test_logs_and_figures_tell_the_name_of_a_key_and_never_the_key(
    guarded: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    labels = {"key": "player", "status": "200"}
    name = "music_classification_key_requests_total"
    before = REGISTRY.get_sample_value(name, labels) or 0
    with caplog.at_level(logging.DEBUG):
        guarded.post("/classify", content=CLIP, headers=RAW | {"X-API-Key": PLAYER})
    told = [entry.__dict__["fields"]["key"] for entry in caplog.records if "fields" in vars(entry)]
    assert told == ["player"]
    assert PLAYER not in caplog.text
    assert hashlib.sha256(PLAYER.encode()).hexdigest() not in caplog.text
    assert REGISTRY.get_sample_value(name, labels) == before + 1


def test_uploads_are_limited_by_key_and_all_else_is_not(models_dir: Path, tmp_path: Path) -> None:
    keys = tmp_path / "keys.txt"
    keys.write_text(line(KEY, "one") + line(PLAYER, "player"), "utf-8")
    settings = Settings(
        models_dir=models_dir, api_keys_file=keys, rate_limit_per_minute=1, rate_limit_burst=2
    )
    with serve(settings) as client:
        for key in (KEY, PLAYER):
            headers = RAW | {"X-API-Key": key}
            statuses = [
                client.post("/classify/genre", content=CLIP, headers=headers).status_code
                for _ in range(2)
            ]
            assert statuses == [200, 200]
            late = client.post("/classify/genre", content=CLIP, headers=headers)
            assert_problem(late, 429, "too-many-requests")
            assert 1 <= int(late.headers["Retry-After"]) <= 60
            assert client.get("/models", headers=headers).status_code == 200
        wrong = client.post("/classify", content=CLIP, headers=RAW | {"X-API-Key": "wrong"})
        assert_problem(wrong, 401, "unauthorized")


def test_without_keys_uploads_are_limited_by_address(models_dir: Path) -> None:
    settings = Settings(models_dir=models_dir, rate_limit_per_minute=1, rate_limit_burst=1)
    with serve(settings) as client:
        answers = [client.post("/classify", content=CLIP, headers=RAW) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 429]
