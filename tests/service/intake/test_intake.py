import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from httpx2 import Response
from starlette.testclient import TestClient

from service.audio.decode import Clip, Listener, hear
from service.decoding import decoder
from service.decoding.grids import decode_grids
from service.decoding.pool import DecoderPool
from service.inference.classification import classify_grids
from service.intake import intake
from service.intake.intake import Intake
from service.settings import Settings
from tests import unruly_decoder
from tests.audio import encode, tone
from tests.server import server
from tests.service.serving import assert_problem, serve

CLIP = encode(tone(), container="FLAC")  # which needs a decoder
TIMEOUT_S = 60.0


def post(client: TestClient, data: bytes = CLIP) -> Response:
    return client.post("/classify/genre", content=data, headers={"content-type": "audio/wav"})


def decoder_ids(client: TestClient) -> list[int]:
    assert isinstance(client.app, FastAPI)
    taker: Intake = client.app.state.intake
    return taker.decoders.process_ids


@pytest.fixture
def unruly(models_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """A client of a service whose only decoder misbehaves when it is told to."""
    monkeypatch.setattr(decoder, "COMMAND", unruly_decoder.COMMAND)
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
    monkeypatch.setattr(decoder, "COMMAND", unruly_decoder.COMMAND)
    with serve(Settings(models_dir=models_dir, workers=1, queue_size=0, deadline_s=1)) as client:
        assert_problem(post(client, unruly_decoder.HANG), 504, "deadline-exceeded")
        # The worker's only place is free again, or the answer would be 503.
        wait_until_idle(client)
        assert len(decoder_ids(client)) == 1


def wait_until_idle(client: TestClient) -> None:
    freed = threading.Event()
    for _ in range(1_000):
        if "music_classification_pending_clips 0.0" in client.get("/metrics").text:
            return
        freed.wait(0.01)
    pytest.fail("the place was never freed")


def test_no_request_is_lost_when_decoders_are_killed_under_load(models_dir: Path) -> None:
    n_requests, n_kills = 60, decoder.ATTEMPTS - 1
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


class SlowClient:
    """Sends the head of an upload over a socket of its own, and its body only when told to."""

    def __init__(self, client: httpx2.Client, length: int = len(CLIP), headers: str = "") -> None:
        host, port = client.base_url.host, client.base_url.port
        assert port is not None
        self._socket = socket.create_connection((host, port), TIMEOUT_S)
        self._socket.sendall(
            "POST /classify/genre HTTP/1.1\r\nHost: test\r\nConnection: close\r\n"
            f"{headers}Content-Type: audio/wav\r\nContent-Length: {length}\r\n\r\n".encode()
        )

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def beginning(self) -> bytes:
        """Return what has come of the answer, without sending anything."""
        return self._socket.recv(1 << 16)

    def status(self) -> int:
        """Return the status of the answer once the server has closed the connection."""
        answer = b""
        while part := self._socket.recv(1 << 16):
            answer += part
        self.leave()
        return int(answer.split()[1])

    def leave(self) -> None:
        self._socket.close()


def wait_for_pending(client: httpx2.Client, number: int) -> None:
    wanted = f"music_classification_pending_clips {number}.0"
    deadline = time.monotonic() + TIMEOUT_S
    while wanted not in client.get("/metrics").text:
        assert time.monotonic() < deadline
        time.sleep(0.01)


@contextmanager
def crowded(models_dir: Path, log: Path, **settings: object) -> Iterator[httpx2.Client]:
    """A real server with one worker and no queue, for clients that are no ordinary ones."""
    with server(models_dir, log, queue_size=0, **settings) as (_, client):
        yield client


def post_to(client: httpx2.Client) -> httpx2.Response:
    return client.post("/classify/genre", content=CLIP, headers={"content-type": "audio/wav"})


def test_a_place_is_taken_before_the_upload_is_received(models_dir: Path, tmp_path: Path) -> None:
    with crowded(models_dir, tmp_path / "log", min_upload_bytes_per_s=0) as client:
        first = SlowClient(client)
        wait_for_pending(client, 1)

        # Refused although it has not sent anything yet.
        second = SlowClient(client, length=1_000_000)
        second_answer = second.beginning()
        second.leave()
        assert second_answer.startswith(b"HTTP/1.1 503 ")
        assert b"retry-after: 1" in second_answer.lower()
        assert b"connection: close" in second_answer.lower()

        first.send(CLIP)
        assert first.status() == 200


def test_a_client_that_leaves_frees_its_place(models_dir: Path, tmp_path: Path) -> None:
    with crowded(models_dir, tmp_path / "log", min_upload_bytes_per_s=0) as client:
        client_that_leaves = SlowClient(client)
        wait_for_pending(client, 1)
        client_that_leaves.leave()
        wait_for_pending(client, 0)
        assert post_to(client).status_code == 200
        assert (
            'music_classification_problems_total{kind="client-left"} 1.0'
            in client.get("/metrics").text
        )


def test_a_client_has_no_more_uploads_pending_than_it_may(models_dir: Path, tmp_path: Path) -> None:
    settings: dict[str, object] = {"queue_size": 4, "max_uploads_per_client": 1}
    with server(models_dir, tmp_path / "log", **settings) as (_, client):
        first = SlowClient(client)
        wait_for_pending(client, 1)
        answer = post_to(client)
        assert_problem(answer, 429, "too-many-uploads")
        assert int(answer.headers["Retry-After"]) >= 1

        # The service trusts a proxy on its own machine to say who the client is.
        elsewhere = SlowClient(client, headers="X-Forwarded-For: 203.0.113.7\r\n")
        wait_for_pending(client, 2)
        for upload in (first, elsewhere):
            upload.send(CLIP)
            assert upload.status() == 200
        wait_for_pending(client, 0)
        assert post_to(client).status_code == 200


def test_only_a_trusted_proxy_may_name_the_client(models_dir: Path, tmp_path: Path) -> None:
    settings: dict[str, object] = {
        "queue_size": 4,
        "max_uploads_per_client": 1,
        "trusted_proxies": "192.0.2.1",
    }
    with server(models_dir, tmp_path / "log", **settings) as (_, client):
        first = SlowClient(client)
        wait_for_pending(client, 1)
        disguised = SlowClient(client, headers="X-Forwarded-For: 203.0.113.7\r\n")
        assert disguised.beginning().startswith(b"HTTP/1.1 429 ")
        disguised.leave()
        first.send(CLIP)
        assert first.status() == 200


def test_a_crawling_upload_gives_way_when_others_wait(models_dir: Path, tmp_path: Path) -> None:
    with crowded(models_dir, tmp_path / "log", min_upload_bytes_per_s=1_000_000) as client:
        crawling = SlowClient(client)
        crawling.send(CLIP[:100])
        wait_for_pending(client, 1)
        # Refused until the crawling one has had its time to gain speed.
        deadline = time.monotonic() + TIMEOUT_S
        while (status := post_to(client).status_code) == 503:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert status == 200
        crawling.send(CLIP[100:])
        assert crawling.status() == 408


def test_an_upload_that_never_ends_is_too_slow(models_dir: Path, tmp_path: Path) -> None:
    with crowded(models_dir, tmp_path / "log", deadline_s=1) as client:
        endless = SlowClient(client)
        wait_for_pending(client, 1)
        wait_for_pending(client, 0)
        endless.send(CLIP)
        assert endless.status() == 408


@pytest.mark.parametrize("container", ["FLAC", "WAV"])
def test_an_upload_is_let_go_of_once_it_is_decoded(
    models_dir: Path, monkeypatch: pytest.MonkeyPatch, container: str
) -> None:
    held: list[bytearray] = []
    n_bytes: list[int] = []

    def decode_watched(decoders: DecoderPool, data: bytearray, *more: Any) -> Any:
        held.append(data)
        return decode_grids(decoders, data, *more)

    def classify_watched(*asked: Any, **options: Any) -> Any:
        n_bytes.append(len(held[0]))
        return classify_grids(*asked, **options)

    monkeypatch.setattr(intake, "decode_grids", decode_watched)
    monkeypatch.setattr(intake, "classify_grids", classify_watched)
    with serve(Settings(models_dir=models_dir, workers=1)) as client:
        assert post(client, encode(tone(), container=container)).status_code == 200
    assert n_bytes == [0]


def test_work_that_nobody_waits_for_is_given_up_between_its_stages(
    models_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoding, released = threading.Event(), threading.Event()
    classified = []

    def slow_decode(_pool: DecoderPool, data: bytes, listener: Listener, *_: object) -> Clip:
        decoding.set()
        assert released.wait(TIMEOUT_S)
        return hear(data, listener)

    monkeypatch.setattr(DecoderPool, "decode", slow_decode)
    monkeypatch.setattr(intake, "classify_grids", lambda *_, **__: classified.append(1))
    with serve(Settings(models_dir=models_dir, workers=1, deadline_s=0.5)) as client:
        assert_problem(post(client), 504, "deadline-exceeded")
        assert decoding.is_set()
        released.set()
        wait_until_idle(client)
    assert classified == []
