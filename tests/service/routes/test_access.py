import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
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


@pytest.fixture(scope="module")
def guarded(models_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A client without a key of a service that asks for one."""
    keys = tmp_path_factory.mktemp("keys") / "keys.txt"
    keys.write_text(hashlib.sha256(KEY.encode()).hexdigest(), "utf-8")
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
    asked = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST"}
    assert client.options("/classify", headers=asked).status_code == 200

    other = client.get("/models", headers={"Origin": "https://example.com"}).headers
    assert "access-control-allow-origin" not in other
