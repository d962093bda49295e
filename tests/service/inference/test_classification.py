from pathlib import Path

import numpy as np
import pytest

from service.audio.decode import Samples
from service.inference.bundle import Bundle
from service.inference.card import LengthCalibration
from service.inference.classification import Classification, classify
from service.inference.clip_answer import clip_logits
from service.inference.grids import needed_rates_hz
from service.inference.windows import cut_windows
from tests.audio import noise, tone
from tests.bundles import GENRES, band_centre_hz, write_bundle
from tests.service.inference.asking import amplified, decoded


@pytest.mark.parametrize("label", GENRES)
@pytest.mark.parametrize("rate_hz", [8_000, 22_050, 48_000])
def test_the_label_is_found_at_any_sampling_rate(genre: Bundle, label: str, rate_hz: int) -> None:
    frequency_hz = band_centre_hz(GENRES.index(label), len(GENRES))

    answer = classify(decoded(tone(frequency_hz, rate_hz=rate_hz), rate_hz), {"any": genre})["any"]

    assert genre.card.labels[answer.probabilities.argmax()] == label
    assert answer.probabilities.sum() == pytest.approx(1)
    assert answer.bundle is genre


def test_the_clip_answer_is_the_calibrated_mean_of_the_windows_logits(genre: Bundle) -> None:
    samples = noise(3.0, rate_hz=8_000)
    logits = genre.window_logits(genre.features(samples))

    answer = classify(decoded(samples, 8_000), {"genre": genre}, timeline=True)["genre"]

    np.testing.assert_allclose(clip_logits(logits), logits.mean(axis=0))
    np.testing.assert_allclose(answer.probabilities, genre.probabilities(logits.mean(axis=0)))
    assert answer.timeline is not None
    windows = np.stack([s.probabilities for s in answer.timeline])
    np.testing.assert_allclose(windows, genre.probabilities(logits))


def test_silence_and_a_quiet_room_around_the_music_change_nothing_but_the_timeline(
    tmp_path: Path,
) -> None:
    bundle = amplified(tmp_path / "it", rating_bands={"energy": 3})
    music = noise(2.0, rate_hz=8_000)
    around = 1e-4 * noise(20.0, rate_hz=8_000, seed=1)

    def answered(samples: Samples) -> Classification:
        return classify(decoded(samples, 8_000), {"it": bundle}, timeline=True)["it"]

    alone, amid = answered(music), answered(np.concatenate([0 * around, around, music, around]))

    np.testing.assert_allclose(amid.probabilities, alone.probabilities, atol=0.01)
    np.testing.assert_allclose(amid.ratings, alone.ratings, atol=0.01)
    assert amid.timeline is not None
    assert amid.timeline[-1].segment.end_s == pytest.approx(62.0)


def test_nobody_waits_for_a_timeline_that_was_not_asked_for(genre: Bundle) -> None:
    answer = classify(decoded(tone(rate_hz=8_000), 8_000), {"genre": genre})["genre"]
    assert answer.timeline is None


def test_an_answer_is_uncertain_below_the_cards_threshold_only(tmp_path: Path) -> None:
    clip = decoded(tone(band_centre_hz(0, 4), rate_hz=8_000), 8_000)
    bold = Bundle.load(write_bundle(tmp_path / "bold", uncertain_below=0.1))
    shy = Bundle.load(write_bundle(tmp_path / "shy", uncertain_below=1.0))

    answers = classify(clip, {"bold": bold, "shy": shy})

    assert not answers["bold"].uncertain
    assert answers["shy"].uncertain


def test_a_higher_temperature_is_less_confident_about_the_same_label(tmp_path: Path) -> None:
    clip = decoded(tone(band_centre_hz(2, 4), rate_hz=8_000), 8_000)
    cold = Bundle.load(write_bundle(tmp_path / "cold", temperature=1.0))
    warm = Bundle.load(write_bundle(tmp_path / "warm", temperature=5.0))

    answers = classify(clip, {"cold": cold, "warm": warm})

    assert answers["warm"].probabilities.max() < answers["cold"].probabilities.max()
    assert answers["warm"].probabilities.argmax() == answers["cold"].probabilities.argmax()


def test_ratings_are_the_windows_mean_within_the_scale(tmp_path: Path) -> None:
    bundle = Bundle.load(write_bundle(tmp_path / "emotion", rating_bands={"low": 0, "high": 3}))
    loud, silent = tone(band_centre_hz(0, 4), rate_hz=8_000), np.zeros(8_000, np.float32)
    windows = cut_windows(bundle.features(silent), bundle.card.windows)

    ratings = [classify(decoded(x, 8_000), {"it": bundle})["it"].ratings for x in (loud, silent)]

    np.testing.assert_allclose(ratings[1], bundle.rate_embedded(windows).mean(axis=0), atol=1e-6)
    assert ratings[1].max() < 0.2
    assert ratings[0][0] == 1


def test_each_sampling_rate_is_needed_once(tmp_path: Path) -> None:
    rates_hz = {"a": 11_025, "b": 8_000, "c": 11_025}
    bundles = [
        Bundle.load(write_bundle(tmp_path / name, sample_rate_hz=rate_hz))
        for name, rate_hz in rates_hz.items()
    ]
    assert needed_rates_hz(bundles) == [8_000, 11_025]


def test_the_rate_of_a_context_is_needed_too(tmp_path: Path) -> None:
    bundle = amplified(tmp_path / "emotion", context_rate_hz=11_025)
    assert needed_rates_hz([bundle]) == [8_000, 11_025]


def test_silence_is_answered_with_finite_probabilities(genre: Bundle) -> None:
    answer = classify(decoded(np.zeros(8_000, np.float32), 8_000), {"genre": genre})["genre"]
    assert answer.probabilities.sum() == pytest.approx(1)


@pytest.mark.parametrize(("amplitude", "uncertain"), [(0.5, False), (1e-6, True)])
def test_a_silent_clip_is_uncertain_however_sure_the_network_is(
    genre: Bundle, amplitude: float, uncertain: bool
) -> None:
    samples = tone(band_centre_hz(1, len(GENRES)), rate_hz=8_000, amplitude=amplitude)
    answer = classify(decoded(samples, 8_000), {"any": genre})["any"]
    assert answer.probabilities.max() > genre.card.calibration.uncertain_below
    assert answer.uncertain is uncertain


def by_length(bundle: Bundle, **changes: object) -> Bundle:
    """Return the bundle with a calibration by the length heard."""
    calibration = bundle.card.calibration.model_copy(
        update={
            "by_length": [
                LengthCalibration(heard_s=0.1, temperature=20.0),
                LengthCalibration(heard_s=2.0, temperature=1.0),
            ],
            **changes,
        }
    )
    bundle.card = bundle.card.model_copy(update={"calibration": calibration})
    return bundle


def test_the_less_is_heard_the_less_sure_is_the_answer(tmp_path: Path) -> None:
    bundle = by_length(Bundle.load(write_bundle(tmp_path / "genre")))
    confidences = [
        classify(decoded(tone(duration_s=s, rate_hz=8_000), 8_000), {"": bundle})[""]
        .probabilities.max()
        for s in (0.1, 0.3, 1.0, 2.0)
    ]  # fmt: skip
    assert confidences == sorted(confidences)
    assert confidences[-1] > confidences[0] + 0.2


def test_a_window_is_as_sure_as_a_clip_of_its_length(tmp_path: Path) -> None:
    bundle = by_length(Bundle.load(write_bundle(tmp_path / "genre")))
    samples = tone(duration_s=3.0, rate_hz=8_000)
    spec = bundle.card.windows
    logits = bundle.window_logits(bundle.features(samples))

    answer = classify(decoded(samples, 8_000), {"": bundle}, timeline=True)[""]

    window_s = spec.frames * bundle.card.features.hop_s
    assert window_s < 1
    assert answer.timeline is not None
    heard = np.stack([s.probabilities for s in answer.timeline])
    np.testing.assert_allclose(heard, bundle.probabilities(logits, window_s))


def test_up_to_some_length_every_answer_is_uncertain(tmp_path: Path) -> None:
    bundle = by_length(
        Bundle.load(write_bundle(tmp_path / "genre", uncertain_below=0.0)), uncertain_up_to_s=0.3
    )
    shortest, longer = (
        classify(decoded(tone(duration_s=s, rate_hz=8_000), 8_000), {"": bundle})[""]
        for s in (0.3, 0.4)
    )
    assert shortest.uncertain
    assert not longer.uncertain
