from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from service.audio.decode import Clip
from service.decoding.pool import DecoderPool
from service.inference.bundle_files import MODEL_FILE, file_sha256
from service.settings import Settings
from tests.audio import ENCODINGS, encode, encode_as, stereo, tone
from tests.bundles import CHORDS, EMOTIONS, GENRES, band_centre_hz, write_bundle
from tests.service.routes.posting import CLIP, RATE_HZ, RAW, answer, post_file
from tests.service.serving import assert_problem, serve, unstarted

FLAC = encode_as("flac", tone(duration_s=1.5, rate_hz=RATE_HZ), RATE_HZ)  # for a decoder
LABELS = {"genre": GENRES, "chord": CHORDS, "emotion": EMOTIONS}


def test_the_answer_holds_all_that_the_contract_promises(
    client: TestClient, models_dir: Path
) -> None:
    body = answer(post_file(client, "/classify/genre"))

    assert set(body) == {
        "task",
        "label",
        "confidence",
        "probabilities",
        "uncertain",
        "audio",
        "model",
    }
    assert body["task"] == "genre"
    assert body["label"] == GENRES[2]
    assert body["confidence"] == body["probabilities"][GENRES[2]]
    assert body["uncertain"] is False
    assert body["audio"] == {
        "duration_s": 2.0,
        "sample_rate_hz": RATE_HZ,
        "channels": 1,
        "format": "wav",
        "warnings": [body["audio"]["warnings"][0]],
    }
    assert body["audio"]["warnings"][0].startswith("low_sample_rate")
    assert body["model"] == {
        "name": "genre",
        "version": "1.0.0",
        "sha256": file_sha256(models_dir / "genre" / MODEL_FILE),
    }


@pytest.mark.parametrize("task", LABELS)
def test_all_labels_come_in_descending_order_and_sum_to_one(client: TestClient, task: str) -> None:
    body = answer(post_file(client, f"/classify/{task}"))

    values = list(body["probabilities"].values())
    assert set(body["probabilities"]) == set(LABELS[task])
    assert all(higher >= lower for higher, lower in pairwise(values))
    assert sum(values) == pytest.approx(1, abs=1e-5)
    assert next(iter(body["probabilities"])) == body["label"]


@pytest.mark.parametrize("name", ENCODINGS)
def test_every_format_is_answered_alike(client: TestClient, name: str) -> None:
    rate_hz = ENCODINGS[name].rate_hz
    mono = tone(band_centre_hz(1, len(GENRES)), 2.0, rate_hz=rate_hz)

    body = answer(post_file(client, "/classify/genre", encode_as(name, stereo(mono, mono))))

    assert body["label"] == GENRES[1]
    assert body["audio"]["format"] == name
    assert body["audio"]["channels"] == 2
    assert body["audio"]["warnings"] == []


def test_a_form_a_raw_body_and_a_chunked_body_are_answered_alike(client: TestClient) -> None:
    chunks = (CLIP[start : start + 1_000] for start in range(0, len(CLIP), 1_000))

    as_form = answer(post_file(client, "/classify/genre"))
    as_body = answer(client.post("/classify/genre", content=CLIP, headers=RAW))
    as_chunks = answer(client.post("/classify/genre", content=chunks, headers=RAW))

    assert as_form == as_body == as_chunks


def test_the_same_upload_is_always_answered_alike(client: TestClient) -> None:
    with ThreadPoolExecutor(8) as threads:
        bodies = list(threads.map(lambda _: answer(post_file(client, "/classify")), range(16)))
    assert all(body == bodies[0] for body in bodies)


@pytest.mark.parametrize("top_k", [1, 3, 100])
def test_top_k_lists_only_the_most_probable(client: TestClient, top_k: int) -> None:
    every = answer(post_file(client, "/classify/genre"))

    body = answer(post_file(client, f"/classify/genre?top_k={top_k}"))

    assert list(body["probabilities"].items()) == list(every["probabilities"].items())[:top_k]
    assert body["confidence"] == every["confidence"]


def test_the_timeline_follows_the_music_when_asked_for(client: TestClient) -> None:
    halves = [tone(band_centre_hz(band, 4), 2.0, rate_hz=RATE_HZ) for band in (0, 3)]
    data = encode(np.concatenate(halves), RATE_HZ)

    body = answer(post_file(client, "/classify/genre?timeline=true&top_k=2", data))
    timeline = body["timeline"]
    assert list(body["spread"]) == list(body["probabilities"])
    assert body["spread"][GENRES[0]] > 0.1

    assert timeline[0]["start_s"] == 0
    assert timeline[-1]["end_s"] == 4.0
    assert all(earlier["end_s"] == later["start_s"] for earlier, later in pairwise(timeline))
    assert timeline[0]["label"] == GENRES[0]
    assert timeline[-1]["label"] == GENRES[3]
    for segment in timeline:
        assert set(segment) == {"start_s", "end_s", "label", "confidence", "probabilities"}
        assert len(segment["probabilities"]) == 2
        assert segment["probabilities"][segment["label"]] == segment["confidence"]


@pytest.mark.parametrize("path", ["/classify/genre", "/classify/genre?timeline=false"])
def test_there_is_no_timeline_unless_asked_for(client: TestClient, path: str) -> None:
    body = answer(post_file(client, path))
    assert "timeline" not in body
    assert "spread" not in body


def test_one_call_answers_all_tasks_and_decodes_once(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    decode = DecoderPool.decode

    def counted(pool: DecoderPool, data: bytes, *given: Any) -> Clip:
        calls.append(len(data))
        return decode(pool, data, *given)

    monkeypatch.setattr(DecoderPool, "decode", counted)

    body = answer(post_file(client, "/classify?timeline=true&top_k=1", FLAC))

    assert calls == [len(FLAC)]
    assert set(body) == {"audio", "results"}
    assert list(body["results"]) == ["genre", "chord", "emotion"]
    for task, result in body["results"].items():
        alone = answer(post_file(client, f"/classify/{task}?timeline=true&top_k=1", FLAC))
        assert alone.pop("audio") == body["audio"]
        assert alone == result


def test_an_unsure_answer_says_so(tmp_path: Path) -> None:
    write_bundle(tmp_path / "genre", uncertain_below=1.0)
    with serve(Settings(models_dir=tmp_path, tasks=("genre",))) as client:
        assert answer(post_file(client, "/classify/genre"))["uncertain"] is True


def test_a_fourth_task_is_answered_by_adding_a_folder(tmp_path: Path) -> None:
    write_bundle(tmp_path / "genre")
    write_bundle(tmp_path / "tempo", labels=("slow", "fast"))
    with serve(Settings(models_dir=tmp_path, tasks=("genre",))) as client:
        assert set(answer(post_file(client, "/classify/tempo"))["probabilities"]) == {
            "slow",
            "fast",
        }
        assert set(answer(post_file(client, "/classify"))["results"]) == {"genre", "tempo"}


def test_a_broken_bundle_is_left_out_of_the_answer_to_all(tmp_path: Path) -> None:
    write_bundle(tmp_path / "genre")
    write_bundle(tmp_path / "chord")
    (tmp_path / "chord" / MODEL_FILE).write_bytes(b"damaged")
    with serve(Settings(models_dir=tmp_path, tasks=("genre", "chord"))) as client:
        assert set(answer(post_file(client, "/classify"))["results"]) == {"genre"}
        assert_problem(post_file(client, "/classify/chord"), 503, "not-ready")


def test_an_unknown_task_is_not_found(client: TestClient) -> None:
    problem = assert_problem(post_file(client, "/classify/tempo"), 404, "not-found")
    assert "genre" in problem["detail"]


def test_tasks_that_cannot_answer_are_named(tmp_path: Path) -> None:
    write_bundle(tmp_path / "genre")
    with serve(Settings(models_dir=tmp_path, tasks=("genre", "chord"))) as client:
        body = answer(post_file(client, "/classify"))
    assert set(body["results"]) == {"genre"}
    assert body["unavailable"] == ["chord"]


def test_nothing_is_left_out_silently_while_models_load(models_dir: Path) -> None:
    response = post_file(unstarted(Settings(models_dir=models_dir)), "/classify")
    assert_problem(response, 503, "not-ready")
