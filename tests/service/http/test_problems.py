import logging
import re
from collections.abc import Iterator

import pytest
from fastapi import FastAPI, HTTPException
from starlette.testclient import TestClient

from service.errors import Overloaded, ServiceError, UnusableAudio
from service.http import problems
from service.telemetry.request_id import RequestIdMiddleware
from tests.service.serving import assert_problem

KINDS: list[type[ServiceError]] = [ServiceError, *ServiceError.__subclasses__()]


class Thrower:
    """An application whose only endpoint raises what it is told to."""

    def __init__(self) -> None:
        self.error: Exception = ServiceError("unset")
        app = FastAPI()
        problems.install(app)
        app.add_middleware(RequestIdMiddleware)
        app.add_api_route("/throw", self._throw)
        self.client = TestClient(app, raise_server_exceptions=False)

    def _throw(self) -> None:
        raise self.error


@pytest.fixture
def thrower() -> Iterator[Thrower]:
    made = Thrower()
    with made.client:
        yield made


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.slug())
def test_every_kind_of_error_becomes_a_complete_problem(
    thrower: Thrower, kind: type[ServiceError]
) -> None:
    thrower.error = kind("What is wrong.", retry_after_s=3)

    response = thrower.client.get("/throw")

    problem = assert_problem(response, kind.status, kind.slug())
    assert problem["title"] == kind.title
    assert problem["detail"] == "What is wrong. Try again in 3 s."
    assert problem["instance"] == "/throw"
    assert response.headers["Retry-After"] == "3"


def test_retry_after_is_there_only_when_a_retry_helps(thrower: Thrower) -> None:
    thrower.error = UnusableAudio("broken")
    assert "Retry-After" not in thrower.client.get("/throw").headers
    thrower.error = Overloaded("full", retry_after_s=1)
    assert thrower.client.get("/throw").headers["Retry-After"] == "1"


def test_kinds_have_different_readable_slugs() -> None:
    slugs = [kind.slug() for kind in KINDS]

    assert len(set(slugs)) == len(slugs)
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", slug) for slug in slugs)


def test_a_crash_is_logged_with_the_request_id_and_its_cause_is_not_told(
    thrower: Thrower, caplog: pytest.LogCaptureFixture
) -> None:
    thrower.error = RuntimeError("the password is 1234")

    with caplog.at_level(logging.ERROR):
        response = thrower.client.get("/throw", headers={"X-Request-ID": "find-me"})

    problem = assert_problem(response, 500, "service-error")
    assert problem["request_id"] == "find-me"
    assert "1234" not in response.text
    assert "find-me" in caplog.text
    assert "the password is 1234" in caplog.text


def test_another_http_error_is_an_invalid_request(thrower: Thrower) -> None:
    thrower.error = HTTPException(400, "There was an error parsing the body")

    problem = assert_problem(thrower.client.get("/throw"), 422, "invalid-request")

    assert problem["detail"] == "There was an error parsing the body"


def test_nobody_is_sent_to_a_host_that_the_client_named(client: TestClient) -> None:
    headers = {"Host": "elsewhere.example"}
    response = client.get("/models/", headers=headers, follow_redirects=False)
    assert response.status_code == 200
    assert response.json() == client.get("/models").json()


def test_an_unknown_address_is_not_found(client: TestClient) -> None:
    problem = assert_problem(client.get("/nowhere"), 404, "not-found")
    assert "/nowhere" in problem["detail"]


def test_a_wrong_method_is_answered_with_the_right_one(client: TestClient) -> None:
    response = client.get("/classify/genre")

    problem = assert_problem(response, 405, "method-not-allowed")
    assert response.headers["Allow"] == "POST"
    assert "GET" in problem["detail"]
    assert "use POST" in problem["detail"]


@pytest.mark.parametrize(
    "query",
    ["top_k=0", "top_k=many", "timeline=perhaps", "start_s=-1", "duration_s=inf", "format=xml"],
)
def test_a_parameter_that_does_not_fit_is_named(client: TestClient, query: str) -> None:
    problem = assert_problem(client.post(f"/classify?{query}"), 422, "invalid-request")
    assert query in problem["detail"]
