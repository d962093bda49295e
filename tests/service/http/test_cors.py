from pathlib import Path

import pytest
from starlette.testclient import TestClient

from service.settings import Settings
from tests.service.serving import assert_problem, unstarted

ORIGIN = "https://player.example"
ASKED = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST"}


@pytest.fixture
def open_to_one(models_dir: Path) -> TestClient:
    return unstarted(Settings(models_dir=models_dir, cors_origins=(ORIGIN,)))


@pytest.mark.parametrize("origins", [(), ("https://other.example",)])
def test_another_origin_is_told_in_a_problem_document_what_would_let_it_in(
    models_dir: Path, origins: tuple[str, ...]
) -> None:
    client = unstarted(Settings(models_dir=models_dir, cors_origins=origins))

    refused = client.options("/classify", headers=ASKED)

    problem = assert_problem(refused, 403, "foreign-page")
    assert ORIGIN in problem["detail"]
    assert "SERVICE_CORS_ORIGINS" in problem["detail"]
    assert "access-control-allow-origin" not in refused.headers
    assert refused.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "more",
    [
        {"Access-Control-Request-Method": "PUT"},
        {"Access-Control-Request-Headers": "x-mine"},
        {"Access-Control-Request-Private-Network": "true"},
    ],
)
def test_a_listed_origin_is_told_what_it_may_send(
    open_to_one: TestClient, more: dict[str, str]
) -> None:
    refused = open_to_one.options("/classify", headers=ASKED | more)

    problem = assert_problem(refused, 403, "foreign-page")
    assert "GET and POST with the headers" in problem["detail"]
    assert "X-API-Key" in problem["detail"]
    # So that the browser can tell its page's author what it was.
    assert refused.headers["access-control-allow-origin"] == ORIGIN
    assert "POST" in refused.headers["access-control-allow-methods"]


def test_what_a_listed_origin_may_send_is_let_through(open_to_one: TestClient) -> None:
    allowed = open_to_one.options("/classify", headers=ASKED)
    assert allowed.status_code == 200
    assert allowed.headers["access-control-allow-origin"] == ORIGIN


def test_with_no_origin_listed_answers_are_as_if_none_had_been_sent(client: TestClient) -> None:
    told = client.get("/models", headers={"Origin": ORIGIN}).headers
    assert told["vary"] == "Accept"
    assert not any(name.startswith("access-control") for name in told)


def test_options_that_no_browser_asks_for_a_page_are_no_method_of_any_address(
    client: TestClient,
) -> None:
    refused = client.options("/classify", headers={"Origin": ORIGIN})
    assert_problem(refused, 405, "method-not-allowed")
