import json
from pathlib import Path

import numpy as np
import pytest

from service.audio.decode import decode
from service.inference.bundle import Bundle
from service.inference.classification import classify
from service.inference.grids import needed_rates_hz
from tests.audio import tone
from tests.bundles import CHORDS, GENRES, band_centre_hz, edit_card, write_bundle
from tests.training.made import write_csv, write_wav
from training.data.cache import FeatureCache
from training.errors import TrainingError
from training.evaluation.evaluate import evaluate

RATE_HZ = 11_025  # of the chord bundle among the made-up ones
FIGURES = ("accuracy", "balanced_accuracy", "macro_f1", "ece")


@pytest.fixture
def cache(tmp_path: Path) -> FeatureCache:
    return FeatureCache(tmp_path / "cache")


def write_sound_of(path: Path, chord: str, duration_s: float = 1.0) -> Path:
    """Write the tone that the chord bundle answers with a label."""
    frequency_hz = band_centre_hz(CHORDS.index(chord), len(CHORDS), RATE_HZ)
    return write_wav(path, tone(frequency_hz, duration_s, rate_hz=RATE_HZ), RATE_HZ)


def write_list(folder: Path, rows: list[tuple[str, str]]) -> Path:
    """Write tones and a CSV; a row is what is heard and what the list says it is."""
    lines = []
    for n, (heard, label) in enumerate(rows):
        write_sound_of(folder / "clips" / f"{n}.wav", heard)
        lines.append((f"clips/{n}.wav", label, f"player-{n}", "valid" if n < 2 else "extra"))
    return write_csv(folder / "list.csv", ("file", "chord", "group", "split"), lines)


def test_figures_of_a_list_are_those_of_its_clips(
    tmp_path: Path, models_dir: Path, cache: FeatureCache
) -> None:
    data = write_list(
        tmp_path / "mine", [("Am", "Am"), ("C", "C"), ("N", "N"), ("F#m", "Am"), ("Bdim", "Bdim")]
    )

    report = evaluate(models_dir / "chord", [data], cache)

    assert report.n == 5
    assert report.accuracy.value == 0.8
    assert report.balanced_accuracy.value == pytest.approx((0.5 + 1 + 1 + 1) / 4)
    assert report.macro_f1.value == round((2 / 3 + 3) / 4, 4)
    assert {k: v.value for k, v in report.per_class_recall.items()} == {
        "Am": 0.5, "C": 1.0, "N": 1.0, "Bdim": 1.0,
    }  # fmt: skip
    assert report.confusion_labels == ["Am", "C", "F#m", "N", "Bdim"]
    assert report.confusion_matrix[0] == [1, 0, 1, 0, 0]
    assert report.data_set == "mine"


def test_there_is_one_row_a_clip(tmp_path: Path, models_dir: Path, cache: FeatureCache) -> None:
    data = write_list(tmp_path / "mine", [("Am", "Am"), ("F#m", "Am")])

    report = evaluate(models_dir / "chord", [data], cache)

    assert [(c.name, c.group, c.truth, c.answer) for c in report.clips] == [
        ("clips/0.wav", "player-0", "Am", "Am"),
        ("clips/1.wav", "player-1", "Am", "F#m"),
    ]
    for clip in report.clips:
        assert set(clip.probabilities) == set(CHORDS)
        assert sum(clip.probabilities.values()) == pytest.approx(1, abs=1e-5)
        assert clip.confidence == max(clip.probabilities.values())


def test_probabilities_are_those_that_the_service_gives(
    tmp_path: Path, models_dir: Path, cache: FeatureCache
) -> None:
    data = write_list(tmp_path / "mine", [("Am", "Am"), ("Bdim", "Bdim")])

    report = evaluate(models_dir / "chord", [data], cache)

    bundle = Bundle.load(models_dir / "chord")
    for n, row in enumerate(report.clips):
        file = tmp_path / "mine" / "clips" / f"{n}.wav"
        clip = decode(file.read_bytes(), needed_rates_hz([bundle]))
        served = classify(clip, {"chord": bundle})["chord"]
        # The cache keeps half precision.
        np.testing.assert_allclose(
            list(row.probabilities.values()), served.probabilities, atol=2e-3
        )
        assert row.uncertain == served.uncertain


def test_a_bundle_with_a_context_is_scored_as_the_service_answers(
    tmp_path: Path, cache: FeatureCache
) -> None:
    folder = write_bundle(
        tmp_path / "chord",
        labels=CHORDS,
        sample_rate_hz=RATE_HZ,
        embedding_gain=0.01,
        context_rate_hz=8_000,
    )
    data = write_list(tmp_path / "mine", [("Am", "Am"), ("Bdim", "Bdim")])

    report = evaluate(folder, [data], cache)

    bundle = Bundle.load(folder)
    for n, row in enumerate(report.clips):
        data_of_clip = (tmp_path / "mine" / "clips" / f"{n}.wav").read_bytes()
        clip = decode(data_of_clip, needed_rates_hz([bundle]))
        served = classify(clip, {"chord": bundle})["chord"]
        expected = dict(zip(CHORDS, served.probabilities, strict=True))
        assert row.probabilities == pytest.approx(expected, abs=2e-3)


def test_a_bundle_that_joins_windows_is_scored_as_the_service_answers(
    tmp_path: Path, cache: FeatureCache
) -> None:
    folder = write_bundle(tmp_path / "chord", labels=CHORDS, sample_rate_hz=RATE_HZ, frames=16)
    edit_card(folder, timeline={"change_probability": 0.1})
    parts = [("N", 2.0), ("Am", 1.0), ("C", 0.5)]
    sounds = [
        tone(band_centre_hz(CHORDS.index(chord), len(CHORDS), RATE_HZ), seconds, rate_hz=RATE_HZ)
        for chord, seconds in parts
    ]
    file = write_wav(tmp_path / "mine" / "several.wav", np.concatenate(sounds), RATE_HZ)
    data = write_csv(tmp_path / "mine" / "list.csv", ("file", "chord"), [(file.name, "Am")])

    (row,) = evaluate(folder, [data], cache).clips

    bundle = Bundle.load(folder)
    clip = decode(file.read_bytes(), needed_rates_hz([bundle]))
    served = classify(clip, {"chord": bundle})["chord"]
    assert row.answer == served.label == "Am"
    expected = dict(zip(CHORDS, served.probabilities, strict=True))
    assert row.probabilities == pytest.approx(expected, abs=5e-3)


@pytest.mark.parametrize(("threshold", "share"), [(0.0, 0.0), (1.0, 1.0)])
def test_uncertain_answers_are_counted(
    tmp_path: Path, models_dir: Path, cache: FeatureCache, threshold: float, share: float
) -> None:
    folder = tmp_path / "chord"
    folder.mkdir()
    for file in (models_dir / "chord").iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    edit_card(
        folder, calibration={"temperature": 1, "uncertain_below": threshold, "fitted_on": "x"}
    )

    report = evaluate(folder, [write_list(tmp_path / "mine", [("Am", "Am"), ("C", "C")])], cache)

    assert report.uncertain_share == share
    assert [clip.uncertain for clip in report.clips] == [share == 1] * 2


def test_answers_about_silence_and_speech_are_as_uncertain_as_the_service_says(
    tmp_path: Path, cache: FeatureCache
) -> None:
    """They are, however confident: here, no confidence is too low."""
    folder = write_bundle(tmp_path / "genre", embedding_gain=20.0, uncertain_below=0.0)
    kinds = ["music", "speech", "noise"]  # the last three of the four bands
    edit_card(folder, kinds={"labels": kinds, "uncertain_below": 0.5, "fitted_on": "made up"})
    music, speech = (tone(band_centre_hz(band, len(GENRES))) for band in (1, 2))
    sounds = {"music": music, "speech": speech, "silence": np.zeros_like(music)}
    for name, samples in sounds.items():
        write_wav(tmp_path / "mine" / f"{name}.wav", samples, 44_100)
    rows = [(f"{name}.wav", GENRES[0]) for name in sounds]
    data = write_csv(tmp_path / "mine" / "list.csv", ("file", "genre"), rows)

    report = evaluate(folder, [data], cache)

    assert [clip.uncertain for clip in report.clips] == [False, True, True]
    assert report.uncertain_share == pytest.approx(2 / 3, abs=1e-4)


def test_a_data_set_folder_is_scored_in_its_published_layout(
    tmp_path: Path, models_dir: Path, cache: FeatureCache
) -> None:
    for chord in ("Am", "C", "Bdim"):
        write_sound_of(tmp_path / "v3" / "Training" / chord / f"{chord}_Jo_1.wav", chord)
        write_sound_of(tmp_path / "v3" / "Test" / chord / f"{chord}_Isabel_1.wav", chord)

    report = evaluate(models_dir / "chord", [tmp_path / "v3"], cache)

    assert report.n == 6
    assert report.accuracy.value == 1
    assert report.data_set == "guitar-chords-v3"


def test_one_split_can_be_scored_alone(
    tmp_path: Path, models_dir: Path, cache: FeatureCache
) -> None:
    data = write_list(tmp_path / "mine", [("Am", "Am"), ("C", "C"), ("N", "N")])

    report = evaluate(models_dir / "chord", [data], cache, split="valid")

    assert [clip.truth for clip in report.clips] == ["Am", "C"]
    assert "split valid" in report.protocol


def test_several_data_sets_are_scored_together(
    tmp_path: Path, models_dir: Path, cache: FeatureCache
) -> None:
    data = [write_list(tmp_path / name, [("Am", "Am")]) for name in ("b", "a")]

    report = evaluate(models_dir / "chord", data, cache)

    assert report.n == 2
    assert report.data_set == "a, b"
    assert [clip.data_set for clip in report.clips] == ["b", "a"]
    # Alike without the way to the data set, so both are told whole.
    assert [clip.name for clip in report.clips] == [
        str(tmp_path / name / "clips" / "0.wav") for name in ("b", "a")
    ]


def test_the_json_has_every_figure_with_its_interval_and_every_clip(
    tmp_path: Path, models_dir: Path, cache: FeatureCache
) -> None:
    data = write_list(tmp_path / "mine", [("Am", "Am"), ("C", "C"), ("N", "C")])

    found = json.loads(evaluate(models_dir / "chord", [data], cache).model_dump_json())

    assert found["n"] == 3
    for name in FIGURES:
        assert found[name]["low"] <= found[name]["value"] <= found[name]["high"]
    for recall in found["per_class_recall"].values():
        assert set(recall) == {"value", "low", "high"}
    assert np.shape(found["confusion_matrix"]) == (3, 3)
    assert len(found["clips"]) == 3
    assert found["bundle"] == "chord"
    assert found["version"] == "1.0.0"


def test_unreadable_clips_are_named_and_left_out(
    tmp_path: Path, models_dir: Path, cache: FeatureCache
) -> None:
    data = write_list(tmp_path / "mine", [("Am", "Am"), ("C", "C")])
    (tmp_path / "mine" / "clips" / "1.wav").write_bytes(b"no sound at all")

    report = evaluate(models_dir / "chord", [data], cache)

    assert report.n == 1
    ((name, reason),) = report.skipped.items()
    assert name.endswith("1.wav")
    assert "no audio" in reason


def test_labels_that_the_bundle_does_not_know_are_left_out(
    tmp_path: Path, models_dir: Path, cache: FeatureCache
) -> None:
    data = write_list(tmp_path / "mine", [("Am", "Am"), ("C", "G7")])
    assert evaluate(models_dir / "chord", [data], cache).n == 1


def test_labels_that_the_bundle_does_not_know_are_named(
    tmp_path: Path, models_dir: Path, cache: FeatureCache
) -> None:
    data = write_list(tmp_path / "mine", [("Am", "Am"), ("C", "C")])
    with pytest.raises(TrainingError, match=r"split faulty.* the data have Am, C\."):
        evaluate(models_dir / "chord", [data], cache, split="faulty")


@pytest.mark.parametrize("split", ["test", None])
def test_nothing_to_score_is_a_mistake(
    tmp_path: Path, models_dir: Path, cache: FeatureCache, split: str | None
) -> None:
    data = write_list(tmp_path / "mine", [("C", "G7")])
    with pytest.raises(TrainingError, match=r"No clip has a label that .* knows"):
        evaluate(models_dir / "chord", [data], cache, split=split)


def test_a_bundle_that_does_not_load_is_a_mistake(tmp_path: Path, cache: FeatureCache) -> None:
    with pytest.raises(TrainingError, match=r"cannot be used.*card\.json does not exist"):
        evaluate(tmp_path / "nothing", [tmp_path], cache)
