import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from service.audio.decode import Clip, Listener, hear
from service.decoding.pool import DecoderPool
from service.settings import Settings
from tests.audio import encode, encode_as, stereo, tone
from tests.service.routes.posting import CLIP, RATE_HZ, RAW, answer, post_file
from tests.service.serving import assert_problem, serve

FLAC = encode_as("flac", tone(duration_s=1.5, rate_hz=RATE_HZ), RATE_HZ)  # for a decoder


@pytest.mark.parametrize("path", ["/classify", "/classify/genre"])
@pytest.mark.parametrize(
    ("data", "status", "slug"),
    [
        (b"", 422, "unusable-audio"),
        (CLIP[:44], 422, "unusable-audio"),
        (CLIP[:20], 422, "unusable-audio"),
        (encode(tone(duration_s=0.05)), 422, "unusable-audio"),
        (np.random.default_rng(0).bytes(5_000), 415, "unsupported-audio"),
        (b"MThd\x00\x00\x00\x06" + bytes(500), 415, "unsupported-audio"),
        (b"\x89PNG\r\n\x1a\n" + bytes(500), 415, "unsupported-audio"),
    ],
    ids=["empty", "header only", "cut header", "too short", "random", "midi", "png"],
)
def test_an_upload_that_is_no_usable_audio_is_refused(
    client: TestClient, path: str, data: bytes, status: int, slug: str
) -> None:
    assert_problem(post_file(client, path, data), status, slug)
    assert_problem(client.post(path, content=data, headers=RAW), status, slug)


@pytest.mark.parametrize(
    ("request_parts", "status", "slug"),
    [
        ({"data": {"file": "clip.wav"}}, 415, "unsupported-audio"),
        ({"json": {"file": "clip.wav"}}, 415, "unsupported-audio"),
        (
            {"content": b"no form", "headers": {"content-type": "multipart/form-data; boundary=x"}},
            422,
            "invalid-request",
        ),
        ({}, 422, "unusable-audio"),
    ],
    ids=["url-encoded", "json", "broken form", "nothing"],
)
def test_a_request_that_is_no_upload_is_refused(
    client: TestClient, request_parts: dict[str, Any], status: int, slug: str
) -> None:
    assert_problem(client.post("/classify/genre", **request_parts), status, slug)


@pytest.fixture(scope="module")
def narrow(models_dir: Path) -> Iterator[TestClient]:
    """A client of a service that accepts no more than ``CLIP`` and has no queue."""
    settings = Settings(
        models_dir=models_dir,
        max_upload_bytes=len(CLIP),
        max_duration_s=2.0,
        max_channels=1,
        max_sample_rate_hz=RATE_HZ,
        formats=("wav", "flac"),
        workers=1,
        queue_size=0,
    )
    with serve(settings) as narrow_client:
        yield narrow_client


def test_an_upload_at_the_limits_is_accepted(narrow: TestClient) -> None:
    assert answer(post_file(narrow, "/classify/genre"))["audio"]["duration_s"] == 2.0
    assert answer(narrow.post("/classify/genre", content=CLIP, headers=RAW))


def test_too_many_bytes_are_refused_however_they_arrive(narrow: TestClient) -> None:
    too_many = CLIP + b"\0"
    chunks = (bytes(1_000) for _ in range(1_000))

    assert_problem(post_file(narrow, "/classify/genre", too_many), 413, "too-many-bytes")
    for content in (too_many, chunks):
        response = narrow.post("/classify/genre", content=content, headers=RAW)
        assert_problem(response, 413, "too-many-bytes")


def test_too_many_seconds_are_refused(narrow: TestClient) -> None:
    data = encode_as("flac", tone(duration_s=2.1, rate_hz=RATE_HZ), RATE_HZ)
    assert_problem(post_file(narrow, "/classify/genre", data), 413, "too-many-seconds")


def test_too_many_channels_or_samples_a_second_are_refused(narrow: TestClient) -> None:
    short = tone(duration_s=0.2, rate_hz=RATE_HZ)
    for data in (encode(stereo(short, short), RATE_HZ), encode(short, 2 * RATE_HZ)):
        assert_problem(post_file(narrow, "/classify/genre", data), 422, "unusable-audio")


def test_a_format_that_the_operator_excludes_is_refused_with_those_that_are_read(
    narrow: TestClient,
) -> None:
    data = encode_as("ogg", tone(duration_s=0.2, rate_hz=RATE_HZ), RATE_HZ)
    response = post_file(narrow, "/classify/genre", data)
    assert_problem(response, 415, "unsupported-audio")
    assert "Use WAV or FLAC." in response.json()["detail"]


def test_a_full_service_refuses_at_once_and_recovers(
    narrow: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    entered, released = threading.Event(), threading.Event()

    def blocked(_pool: DecoderPool, data: bytes, listener: Listener, *_: object) -> Clip:
        entered.set()
        assert released.wait(10)
        return hear(bytes(data), listener)

    with monkeypatch.context() as patch, ThreadPoolExecutor(1) as threads:
        patch.setattr(DecoderPool, "decode", blocked)
        first = threads.submit(post_file, narrow, "/classify/genre", FLAC)
        assert entered.wait(10)
        assert_problem(post_file(narrow, "/classify/genre", FLAC), 503, "overloaded")
        released.set()
        answer(first.result())
    answer(post_file(narrow, "/classify/genre", FLAC))


def test_an_answer_past_the_deadline_is_given_up(
    models_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    released = threading.Event()

    def blocked(_pool: DecoderPool, data: bytes, listener: Listener, *_: object) -> Clip:
        assert released.wait(10)
        return hear(data, listener)

    monkeypatch.setattr(DecoderPool, "decode", blocked)
    with serve(Settings(models_dir=models_dir, deadline_s=0.25)) as client:
        problem = assert_problem(post_file(client, "/classify", FLAC), 504, "deadline-exceeded")
        released.set()
    assert "0.25 s" in problem["detail"]


def test_a_crash_while_classifying_is_an_internal_error(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: object) -> Clip:
        raise RuntimeError("secret")

    monkeypatch.setattr(DecoderPool, "decode", crash)

    response = post_file(client, "/classify/genre", FLAC)

    assert_problem(response, 500, "service-error")
    assert "secret" not in response.text


def test_a_long_recording_is_taken_when_what_is_heard_is_short(narrow: TestClient) -> None:
    data = encode_as("flac", tone(duration_s=4.0, rate_hz=RATE_HZ), RATE_HZ)
    assert answer(post_file(narrow, "/classify/genre?start_s=1.5&duration_s=2", data))
    response = post_file(narrow, "/classify/genre?start_s=1.5", data)
    assert_problem(response, 413, "too-many-seconds")
