from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from service.answers import audio_info, readiness, task_result
from service.audio.decode import Clip
from service.inference.bundle import Bundle
from service.inference.bundle_files import MODEL_FILE, file_sha256
from service.inference.classification import Classification
from service.inference.key import Key
from service.inference.registry import Registry
from service.inference.timeline import Bass, LabelledSegment
from service.inference.windows import Segment
from tests.bundles import GENRES, edit_card, write_bundle

WARNING = "short: only 0.12 s"


@pytest.fixture(scope="module")
def classification(models_dir: Path) -> Classification:
    return Classification(
        bundle=Bundle.load(models_dir / "genre"),
        probabilities=np.array([0.2, 0.1, 0.6, 0.1]),
        ratings=np.zeros(0, np.float32),
        kinds=np.zeros(0),
        heard_s=2.0,
        silent=False,
        timeline=[
            LabelledSegment(Segment(0.0, 1.23456), 0, np.array([0.7, 0.1, 0.1, 0.1])),
            LabelledSegment(Segment(1.23456, 2.0), 3, np.array([0.0, 0.1, 0.2, 0.7])),
        ],
    )


def test_audio_is_described_as_it_was_decoded() -> None:
    clip = Clip(0.12207, 8_192, 2, "flac", warnings=(WARNING,))
    assert audio_info(clip).model_dump() == {
        "duration_s": 0.122,
        "sample_rate_hz": 8_192,
        "channels": 2,
        "format": "flac",
        "warnings": [WARNING],
        "excerpt": None,
    }


@pytest.fixture
def speech(tmp_path: Path, classification: Classification) -> Classification:
    folder = write_bundle(tmp_path / "genre", embedding_gain=1.0)
    kinds = {"labels": ["music", "speech", "noise"], "uncertain_below": 0.3, "fitted_on": "x"}
    edit_card(folder, kinds=kinds)
    return replace(
        classification, bundle=Bundle.load(folder), kinds=np.array([0.1, 0.6, 0.3]), timeline=None
    )


def test_what_is_heard_instead_of_music_is_a_warning_said_once(speech: Classification) -> None:
    clip = Clip(1.0, 8_000, 1, "wav", warnings=(WARNING,))

    info = audio_info(clip, answers=[speech, speech])

    assert info.warnings == [WARNING, "no_music: this sounds like speech"]
    assert task_result("genre", speech, top_k=None).music == 0.1


def test_what_is_heard_instead_is_named_and_silence_is_too(speech: Classification) -> None:
    def heard_instead(answer: Classification) -> str | None:
        return task_result("genre", answer, top_k=None).heard_instead

    assert heard_instead(speech) == "speech"
    assert heard_instead(replace(speech, silent=True)) == "silence"
    assert heard_instead(replace(speech, kinds=np.array([0.4, 0.5, 0.1]))) is None


def test_music_is_no_warning(speech: Classification) -> None:
    music = replace(speech, kinds=np.array([0.4, 0.5, 0.1]))

    assert audio_info(Clip(1.0, 8_000, 1, "wav"), answers=[music]).warnings == []


def test_a_model_that_cannot_tell_says_nothing_of_music(classification: Classification) -> None:
    assert task_result("genre", classification, top_k=None).music is None


def test_a_segment_tells_its_bass_where_there_is_one(classification: Classification) -> None:
    assert classification.timeline is not None
    first, second = classification.timeline
    inverted = replace(first, bass=Bass("E", "3", 0.87654321))

    result = task_result(
        "genre", replace(classification, timeline=[inverted, second]), top_k=None
    ).model_dump(exclude_none=True)

    assert result["timeline"][0]["bass"] == {"note": "E", "degree": "3", "probability": 0.876543}
    assert "bass" not in result["timeline"][1]


def test_labels_are_listed_from_the_most_probable_down(classification: Classification) -> None:
    result = task_result("genre", classification, top_k=None)

    assert result.label == "jazz"
    assert result.confidence == 0.6
    assert list(result.probabilities)[:2] == ["jazz", "blues"]
    assert list(result.probabilities.values()) == [0.6, 0.2, 0.1, 0.1]
    assert set(result.probabilities) == set(GENRES)


@pytest.mark.parametrize(("top_k", "n"), [(1, 1), (2, 2), (4, 4), (99, 4)])
def test_top_k_limits_the_labels_and_nothing_else(
    classification: Classification, top_k: int, n: int
) -> None:
    result = task_result("genre", classification, top_k=top_k)

    assert len(result.probabilities) == n
    assert result.confidence == 0.6
    assert result.timeline is not None
    assert [len(segment.probabilities) for segment in result.timeline] == [n, n]


def test_the_timeline_is_there_only_when_asked_for(classification: Classification) -> None:
    unasked = replace(classification, timeline=None)
    assert task_result("genre", unasked, top_k=None).timeline is None
    assert task_result("genre", unasked, top_k=None).spread is None

    timeline = task_result("genre", classification, top_k=1).timeline

    assert timeline is not None
    assert [segment.model_dump(exclude_none=True) for segment in timeline] == [
        {
            "start_s": 0.0,
            "end_s": 1.235,
            "label": "blues",
            "confidence": 0.7,
            "probabilities": {"blues": 0.7},
        },
        {
            "start_s": 1.235,
            "end_s": 2.0,
            "label": "rock",
            "confidence": 0.7,
            "probabilities": {"rock": 0.7},
        },
    ]


def test_ratings_are_named_as_in_the_card_and_left_out_where_there_are_none(
    classification: Classification, tmp_path: Path
) -> None:
    assert task_result("genre", classification, top_k=None).ratings is None
    rated = replace(
        classification,
        bundle=Bundle.load(write_bundle(tmp_path / "genre", rating_bands={"energy": 3, "dark": 0})),
        ratings=np.array([0.25, 1.0], np.float32),
    )
    assert task_result("genre", rated, top_k=1).ratings == {"energy": 0.25, "dark": 1.0}
    assert task_result("genre", replace(rated, silent=True), top_k=1).ratings is None


def test_key_and_tuning_are_rounded_and_left_out_where_there_are_none(
    classification: Classification,
) -> None:
    nothing = task_result("genre", classification, top_k=None)
    assert nothing.key is None
    assert nothing.tuning_cents is None

    heard = replace(classification, key=Key("A minor", 0.83333333), tuning_cents=-3.24)
    result = task_result("genre", heard, top_k=None)
    assert result.key is not None
    assert result.key.model_dump() == {"label": "A minor", "probability": 0.833333}
    assert result.tuning_cents == -3.2


def test_a_tuning_that_rounds_to_nothing_has_no_sign(classification: Classification) -> None:
    result = task_result("genre", replace(classification, tuning_cents=-0.04), top_k=None)
    assert str(result.tuning_cents) == "0.0"


def test_the_model_that_answered_is_named_by_its_hash(
    classification: Classification, models_dir: Path
) -> None:
    model = task_result("genre", classification, top_k=None).model

    assert (model.name, model.version) == ("genre", "1.0.0")
    assert model.sha256 == file_sha256(models_dir / "genre" / MODEL_FILE)


@pytest.mark.parametrize(
    ("tasks", "loaded", "status"),
    [
        (("genre", "chord", "emotion"), False, "loading"),
        (("genre", "chord", "emotion"), True, "ready"),
        (("genre", "tempo"), True, "degraded"),
    ],
)
def test_readiness_sums_up_the_states_of_all_models(
    models_dir: Path, tasks: tuple[str, ...], loaded: bool, status: str
) -> None:
    registry = Registry(models_dir, tasks)
    if loaded:
        registry.load_all()
    assert readiness(registry).status == status


@pytest.mark.parametrize("tasks", [("genre",), ()])
def test_readiness_without_any_model_has_failed(tmp_path: Path, tasks: tuple[str, ...]) -> None:
    registry = Registry(tmp_path, tasks)
    registry.load_all()
    assert readiness(registry).status == "failed"
