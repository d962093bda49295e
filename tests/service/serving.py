"""Run the application inside a test and check what it answers."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from service.app import create_app
from service.deadline import Deadline
from service.decoding.pool import DecoderPool
from service.intake import intake
from service.settings import Settings
from service.telemetry.request_id import HEADER

LOADING_TIMEOUT_S = 20.0
PROBLEM_FIELDS = {"type", "title", "status", "detail", "instance", "request_id"}


class LateDecoderPool(DecoderPool):
    """Starts its processes with the first clip, for most services of the tests never get one."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self._starting = Lock()

    def start(self) -> None:
        """Leave it to the first clip."""

    def wait_until_ready(self, deadline: Deadline) -> None:
        """Wait for nothing."""

    def decode(self, *asked: Any, **named: Any) -> Any:
        """Start the processes, if need be, and decode."""
        with self._starting:
            if not self._decoders:
                super().start()
        return super().decode(*asked, **named)


@contextmanager
def serve(settings: Settings) -> Iterator[TestClient]:
    """Start the application and wait until its models are loaded, or failed to.

    It has one worker, and so one decoder, unless the settings name a number.
    """
    if "workers" not in settings.model_fields_set:
        settings = settings.model_copy(update={"workers": 1})
    # A crash must be answered as it would be in production, not raised into the test.
    with pytest.MonkeyPatch.context() as patch:
        if "deadline_s" not in settings.model_fields_set:  # else the start would count
            patch.setattr(intake, "DecoderPool", LateDecoderPool)
        app = create_app(settings)
    with TestClient(app, raise_server_exceptions=False) as client:
        wait_until_loaded(client)
        yield client


def unstarted(settings: Settings) -> TestClient:
    """Return a client of an application that never begins to load its models."""
    return TestClient(create_app(settings), raise_server_exceptions=False)


def wait_until_loaded(client: TestClient) -> None:
    """Return once no model is loading any more."""
    deadline = time.monotonic() + LOADING_TIMEOUT_S
    while client.get("/health/ready").json()["status"] == "loading":
        assert time.monotonic() < deadline, "the models never finished loading"
        time.sleep(0.005)


def assert_problem(response: Response, status: int, slug: str) -> dict[str, Any]:
    """Check that an answer is a complete problem document of one kind; return it."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = response.json()
    assert set(problem) == PROBLEM_FIELDS
    assert problem["type"] == f"/problems/{slug}"
    assert problem["status"] == status
    assert problem["title"]
    assert problem["detail"]
    assert problem["instance"] == response.request.url.path
    assert problem["request_id"] == response.headers[HEADER]
    if status == 503:
        assert int(response.headers["Retry-After"]) >= 1
    return problem
