"""The life of a stream, against the application without a network."""

import json
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient, WebSocketTestSession
from starlette.websockets import WebSocketDisconnect

from service.settings import Settings
from service.streaming.protocol import Close, StreamAnswer, TaskStreamAnswer
from service.streaming.session import Session
from tests.audio import encode, stereo, tone
from tests.bundles import GENRES, SAMPLE_RATE_HZ, band_centre_hz
from tests.service.serving import serve
from tests.service.streaming.said import START_JSON, floats, integers, pieces

JAZZ = tone(band_centre_hz(2, len(GENRES)), 2.2, rate_hz=SAMPLE_RATE_HZ)
END = '{"end": true}'


@contextmanager
def stream(
    client: TestClient, path: str = "/stream/genre", **changes: object
) -> Iterator[WebSocketTestSession]:
    with client.websocket_connect(path) as websocket:
        websocket.send_json(START_JSON | changes)
        yield websocket


def answers(websocket: WebSocketTestSession) -> list[dict[str, Any]]:
    """Return all answers until the close, which must be a normal one."""
    closed = close_of(websocket)
    assert (closed.code, closed.reason) == (Close.NORMAL, "")
    return closed.answers


@dataclass(frozen=True)
class Closed:
    """How a stream was closed, and what came before."""

    code: int
    reason: str
    answers: list[dict[str, Any]]


def close_of(websocket: WebSocketTestSession) -> Closed:
    """Return all answers until the close, and how that was."""
    received: list[dict[str, Any]] = []
    while True:
        try:
            received.append(websocket.receive_json())
        except WebSocketDisconnect as closed:
            return Closed(closed.code, closed.reason, received)


@pytest.mark.parametrize("size", [1, 57, 4000, 1 << 20])
def test_audio_cut_anywhere_gets_the_same_answers(client: TestClient, size: int) -> None:
    data = floats(JAZZ[: SAMPLE_RATE_HZ // 20] if size == 1 else JAZZ)
    with stream(client) as websocket:
        for piece in pieces(data, size):
            websocket.send_bytes(piece)
        websocket.send_text(END)
        *before, final = answers(websocket)
    assert [answer["heard_s"] for answer in before] == ([] if size == 1 else [0.5, 1.0, 1.5, 2.0])
    assert final["heard_s"] == pytest.approx(len(data) / 4 / SAMPLE_RATE_HZ)
    assert final["final"] is True
    assert not any("final" in answer for answer in before)
    for answer in (*before, final):
        said = TaskStreamAnswer.model_validate(answer, strict=True)
        assert said.now.label == said.so_far.label == GENRES[2]
        assert said.so_far.confidence == said.so_far.probabilities[GENRES[2]]
        assert sum(said.so_far.probabilities.values()) == pytest.approx(1, abs=1e-5)
        assert said.level_db == pytest.approx(-9.0, abs=0.1)


def test_all_tasks_are_answered_by_name(client: TestClient) -> None:
    with stream(client, "/stream", channels=2, encoding="pcm_s16le") as websocket:
        websocket.send_bytes(integers(stereo(JAZZ, JAZZ)))
        websocket.send_text(END)
        final = answers(websocket)[-1]
    said = StreamAnswer.model_validate(final, strict=True)
    assert set(said.now) == set(said.so_far) == {"genre", "chord", "emotion"}
    assert said.now["genre"].label == GENRES[2]


def test_the_last_answer_is_that_of_an_upload(client: TestClient) -> None:
    wav = encode(JAZZ, SAMPLE_RATE_HZ)
    uploaded = client.post("/classify", files={"file": ("clip.wav", wav)}).json()["results"]
    with stream(client, "/stream") as websocket:
        websocket.send_bytes(floats(JAZZ))
        websocket.send_text(END)
        final = answers(websocket)[-1]
    assert final["so_far"].keys() == uploaded.keys()
    for task, answer in final["so_far"].items():
        assert answer["label"] == uploaded[task]["label"]
        assert answer["uncertain"] == uploaded[task]["uncertain"]
        assert answer["probabilities"] == pytest.approx(uploaded[task]["probabilities"], abs=0.02)


def test_nothing_but_an_end_is_silence(client: TestClient) -> None:
    with stream(client) as websocket:
        websocket.send_text(END)
        (final,) = answers(websocket)
    assert final["heard_s"] == 0
    assert final["level_db"] == -100
    assert final["so_far"]["uncertain"]


@pytest.mark.parametrize(
    ("first", "code", "word"),
    [
        ("music please", Close.POLICY, "JSON"),
        ('{"sample_rate_hz": 8000}', Close.POLICY, "channels"),
        (json.dumps(START_JSON | {"sample_rate_hz": 10}), Close.POLICY, "4000"),
        (json.dumps(START_JSON | {"channels": 99}), Close.POLICY, "channels"),
        (
            json.dumps(START_JSON | {"sample_rate_hz": 384_000, "channels": 32}),
            Close.POLICY,
            "bytes/s",
        ),
        (b"audio", Close.WRONG_KIND, "JSON"),
        (END, Close.POLICY, "sample_rate_hz"),
    ],
)
def test_a_wrong_beginning_is_told(
    client: TestClient, first: str | bytes, code: Close, word: str
) -> None:
    with client.websocket_connect("/stream") as websocket:
        if isinstance(first, bytes):
            websocket.send_bytes(first)
        else:
            websocket.send_text(first)
        closed = close_of(websocket)
    assert closed.code == code
    assert word in closed.reason
    assert closed.answers == []


def test_text_instead_of_audio_is_told(client: TestClient) -> None:
    with stream(client) as websocket:
        websocket.send_bytes(floats(JAZZ[:1000]))
        websocket.send_text("la la la")
        closed = close_of(websocket)
    assert closed.code == Close.WRONG_KIND
    assert "binary" in closed.reason
    assert closed.answers == []


def test_what_are_no_samples_is_told(client: TestClient) -> None:
    with stream(client) as websocket:
        websocket.send_bytes(floats(np.full(8_000, np.nan, np.float32)))
        closed = close_of(websocket)
    assert closed.code == Close.POLICY
    assert "finite" in closed.reason


def test_a_client_that_says_nothing_more_gets_a_last_answer(models_dir: Path) -> None:
    settings = Settings(models_dir=models_dir, stream_message_timeout_s=0.2)
    with serve(settings) as client:
        with stream(client) as websocket:
            websocket.send_bytes(floats(JAZZ[:1000]))
            closed = close_of(websocket)
            assert closed.code == Close.POLICY
            assert "0.2 s" in closed.reason
            assert [answer["final"] for answer in closed.answers] == [True]
        with client.websocket_connect("/stream") as websocket:
            assert close_of(websocket).code == Close.POLICY


@pytest.mark.parametrize("in_time", [True, False])
def test_an_endless_stream_gets_a_last_answer(models_dir: Path, in_time: bool) -> None:
    with serve(Settings(models_dir=models_dir, max_stream_s=1.2)) as client, stream(client) as ws:
        began = time.monotonic()
        if in_time:
            ws.send_bytes(floats(np.tile(JAZZ, 2)))
        else:
            while time.monotonic() < began + 1.3:
                ws.send_bytes(b"")
                time.sleep(0.05)
        closed = close_of(ws)
    assert closed.code == Close.POLICY
    assert "1.2 s" in closed.reason
    assert closed.answers[-1]["final"] is True
    assert closed.answers[-1]["heard_s"] == (1.2 if in_time else 0)


def test_audio_that_comes_too_fast_waits(models_dir: Path) -> None:
    settings = Settings(models_dir=models_dir, max_stream_bytes_per_s=80_000)
    with serve(settings) as client, stream(client) as websocket:
        began = time.monotonic()
        for piece in pieces(floats(JAZZ), 4_000):
            websocket.send_bytes(piece)
        websocket.send_text(END)
        assert answers(websocket)[-1]["heard_s"] == pytest.approx(2.2)
    assert time.monotonic() - began > len(JAZZ) * 4 / 80_000 - 0.3


def test_a_crash_is_told_and_logged(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def crash(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Session, "hear", crash)
    with stream(client) as websocket:
        websocket.send_bytes(floats(JAZZ))
        assert close_of(websocket).code == Close.CRASHED
    assert "a stream crashed" in caplog.text
    assert "ZeroDivisionError" in caplog.text


def test_one_line_tells_of_each_stream(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "service.telemetry.streams")
    with stream(client) as websocket:
        websocket.send_bytes(floats(JAZZ))
        websocket.send_text(END)
        answers(websocket)
    lines = [record for record in caplog.records if record.name == "service.telemetry.streams"]
    (ended,) = (line.__dict__["fields"] for line in lines)
    assert ended["path"] == "/stream/{task}"
    assert ended["task"] == "genre"
    assert (ended["ending"], ended["code"]) == ("ended", 1000)
    assert ended["audio_s"] == pytest.approx(2.2)
    assert ended["received_bytes"] == len(JAZZ) * 4
    assert ended["answers"] == 5


def test_streams_are_counted(models_dir: Path) -> None:
    def figure(name: str) -> float:
        lines = client.get("/metrics").text.splitlines()
        return sum(float(line.split()[-1]) for line in lines if line.startswith(name))

    name = 'music_classification_streams_ended_total{ending="ended",problem="",task="all"}'
    with serve(Settings(models_dir=models_dir)) as client:
        ended, seconds = figure(name), figure("music_classification_stream_seconds_total")
        with stream(client, "/stream") as websocket:
            websocket.send_bytes(floats(JAZZ))
            websocket.receive_json()
            assert figure("music_classification_streams ") == 1
            websocket.send_text(END)
            answers(websocket)
        assert figure("music_classification_streams ") == 0
        assert figure(name) == ended + 1
        assert figure("music_classification_stream_seconds_total") == pytest.approx(seconds + 2.2)
