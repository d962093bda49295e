import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from fastapi import FastAPI
from httpx2 import Response
from starlette.testclient import TestClient

from service import decoders
from service.intake import Intake
from service.settings import Settings
from tests import unruly_decoder
from tests.audio import encode, tone
from tests.service.serving import assert_problem, serve

CLIP = encode(tone())
TIMEOUT_S = 60.0


def post(client: TestClient, data: bytes = CLIP) -> Response:
    return client.post("/classify/genre", content=data, headers={"content-type": "audio/wav"})


def decoder_ids(client: TestClient) -> list[int]:
    assert isinstance(client.app, FastAPI)
    intake: Intake = client.app.state.intake
    return intake.decoders.process_ids


@pytest.fixture
def unruly(models_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """A client of a service whose only decoder misbehaves when it is told to."""
    monkeypatch.setattr(decoders, "COMMAND", unruly_decoder.COMMAND)
    with serve(Settings(models_dir=models_dir, workers=1, deadline_s=5)) as client:
        yield client


def test_a_file_that_crashes_its_decoder_is_refused_and_the_service_goes_on(
    unruly: TestClient,
) -> None:
    for _ in range(3):
        assert_problem(post(unruly, unruly_decoder.CRASH), 422, "unusable-audio")
    assert post(unruly).status_code == 200


def test_a_file_that_hangs_its_decoder_is_given_up_and_holds_nobody_up(
    models_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoders, "COMMAND", unruly_decoder.COMMAND)
    with serve(Settings(models_dir=models_dir, workers=1, queue_size=0, deadline_s=1)) as client:
        assert_problem(post(client, unruly_decoder.HANG), 504, "deadline-exceeded")
        # The worker's only place is free again, or the answer would be 503.
        wait_until_idle(client)
        assert len(decoder_ids(client)) == 1


def wait_until_idle(client: TestClient) -> None:
    freed = threading.Event()
    for _ in range(1_000):
        if "service_pending_clips 0.0" in client.get("/metrics").text:
            return
        freed.wait(0.01)
    pytest.fail("the place was never freed")


def test_no_request_is_lost_when_decoders_are_killed_under_load(models_dir: Path) -> None:
    n_requests, n_kills = 60, 4
    answered = threading.Semaphore(0)

    def request(client: TestClient) -> int:
        response = post(client)
        answered.release()
        return response.status_code

    with (
        serve(Settings(models_dir=models_dir, workers=2, queue_size=n_requests)) as client,
        ThreadPoolExecutor(8) as threads,
    ):
        statuses = [threads.submit(request, client) for _ in range(n_requests)]
        for _ in range(n_kills):
            # So many answers later, no clip that was hit by the last kill is still under way.
            for _ in range(10):
                assert answered.acquire(timeout=TIMEOUT_S)
            for process_id in decoder_ids(client):
                os.kill(process_id, signal.SIGKILL)
        assert {status.result(TIMEOUT_S) for status in statuses} == {200}
