from pathlib import Path

import numpy as np
import pytest

from service import bundle as bundle_module
from service import classification
from service.audio import Clip, Samples, resample
from service.bundle import BANK_FILE, Bundle
from service.classification import classify, clip_logits
from service.features import FeatureSpec, FilterBank, Grid, compute_grid
from tests.audio import RATE_HZ, noise, tone
from tests.bundles import CHORDS, GENRES, band_centre_hz, rehash, write_bundle, write_golden


def clip_of(samples: Samples, rate_hz: int = RATE_HZ) -> Clip:
    return Clip(samples, rate_hz, rate_hz, channels=1, format="wav")


@pytest.fixture(scope="module")
def genre(models_dir: Path) -> Bundle:
    return Bundle.load(models_dir / "genre")


@pytest.mark.parametrize("label", GENRES)
@pytest.mark.parametrize("rate_hz", [8_000, 22_050, 48_000])
def test_the_label_is_found_at_any_sampling_rate(genre: Bundle, label: str, rate_hz: int) -> None:
    frequency_hz = band_centre_hz(GENRES.index(label), len(GENRES))

    answer = classify(clip_of(tone(frequency_hz, rate_hz=rate_hz), rate_hz), {"any": genre})["any"]

    assert genre.card.labels[answer.probabilities.argmax()] == label
    assert answer.probabilities.sum() == pytest.approx(1)
    assert answer.bundle is genre


def test_the_clip_answer_is_the_calibrated_mean_of_the_windows_logits(genre: Bundle) -> None:
    samples = noise(3.0, rate_hz=8_000)
    logits = genre.window_logits(genre.features(samples))

    answer = classify(clip_of(samples, 8_000), {"genre": genre})["genre"]

    np.testing.assert_allclose(clip_logits(logits), logits.mean(axis=0))
    np.testing.assert_allclose(answer.probabilities, genre.probabilities(logits.mean(axis=0)))
    np.testing.assert_allclose(answer.segment_probabilities, genre.probabilities(logits))


def test_segments_follow_a_change_of_sound(genre: Bundle) -> None:
    halves = [tone(band_centre_hz(band, 4), 2.0, rate_hz=8_000) for band in (0, 3)]

    answer = classify(clip_of(np.concatenate(halves), 8_000), {"genre": genre})["genre"]

    found = [GENRES[i] for i in answer.segment_probabilities.argmax(axis=1)]
    assert len(found) == len(answer.segments)
    assert {
        label for label, segment in zip(found, answer.segments, strict=True) if segment.end_s < 1.7
    } == {GENRES[0]}
    assert {
        label
        for label, segment in zip(found, answer.segments, strict=True)
        if segment.start_s > 2.3
    } == {GENRES[3]}


def test_an_answer_is_uncertain_below_the_cards_threshold_only(tmp_path: Path) -> None:
    clip = clip_of(tone(band_centre_hz(0, 4), rate_hz=8_000), 8_000)
    bold = Bundle.load(write_bundle(tmp_path / "bold", uncertain_below=0.1))
    shy = Bundle.load(write_bundle(tmp_path / "shy", uncertain_below=1.0))

    answers = classify(clip, {"bold": bold, "shy": shy})

    assert not answers["bold"].uncertain
    assert answers["shy"].uncertain


def test_a_higher_temperature_is_less_confident_about_the_same_label(tmp_path: Path) -> None:
    clip = clip_of(tone(band_centre_hz(2, 4), rate_hz=8_000), 8_000)
    cold = Bundle.load(write_bundle(tmp_path / "cold", temperature=1.0))
    warm = Bundle.load(write_bundle(tmp_path / "warm", temperature=5.0))

    answers = classify(clip, {"cold": cold, "warm": warm})

    assert answers["warm"].probabilities.max() < answers["cold"].probabilities.max()
    assert answers["warm"].probabilities.argmax() == answers["cold"].probabilities.argmax()


def test_bundles_with_the_same_features_share_one_resampling_and_one_grid(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("first", "second")
    bundles = {name: Bundle.load(write_bundle(tmp_path / name)) for name in names}
    bundles["other"] = Bundle.load(
        write_bundle(tmp_path / "other", labels=CHORDS, sample_rate_hz=8_000)
    )
    rates_hz: list[int] = []
    bands: list[int] = []

    def counted_resample(clip: Clip, sample_rate_hz: int) -> Samples:
        rates_hz.append(sample_rate_hz)
        return resample(clip, sample_rate_hz)

    def counted_grid(samples: Samples, spec: FeatureSpec, bank: FilterBank) -> Grid:
        bands.append(spec.bands)
        return compute_grid(samples, spec, bank)

    monkeypatch.setattr(classification, "resample", counted_resample)
    monkeypatch.setattr(bundle_module, "compute_grid", counted_grid)

    answers = classify(clip_of(tone()), bundles)

    assert list(answers) == ["first", "second", "other"]
    assert rates_hz == [8_000]
    assert bands == [len(GENRES), len(CHORDS)]


def test_the_same_specification_with_another_filter_bank_is_computed_anew(
    genre: Bundle, tmp_path: Path
) -> None:
    folder = write_bundle(tmp_path / "flipped")
    bank = genre.bank[::-1]
    np.save(folder / BANK_FILE, bank)
    write_golden(folder, genre.card.features, genre.card.windows, bank)
    rehash(folder)
    clip = clip_of(tone(band_centre_hz(0, 4), rate_hz=8_000), 8_000)

    answers = classify(clip, {"genre": genre, "flipped": Bundle.load(folder)})

    assert answers["genre"].probabilities.argmax() == 0
    assert answers["flipped"].probabilities.argmax() == 3


@pytest.mark.parametrize("duration_s", [0.1, 0.5, 1.0, 60.0])
def test_any_duration_gets_a_timeline_over_all_of_it(genre: Bundle, duration_s: float) -> None:
    samples = tone(duration_s=duration_s, rate_hz=8_000)

    answer = classify(clip_of(samples, 8_000), {"genre": genre})["genre"]

    assert answer.segments[0].start_s == 0
    assert answer.segments[-1].end_s == pytest.approx(duration_s)
    assert np.isfinite(answer.segment_probabilities).all()


def test_silence_is_answered_with_finite_probabilities(genre: Bundle) -> None:
    answer = classify(clip_of(np.zeros(8_000, np.float32), 8_000), {"genre": genre})["genre"]
    assert answer.probabilities.sum() == pytest.approx(1)


@pytest.mark.parametrize(("amplitude", "uncertain"), [(0.5, False), (1e-6, True)])
def test_a_silent_clip_is_uncertain_however_sure_the_network_is(
    genre: Bundle, amplitude: float, uncertain: bool
) -> None:
    samples = tone(band_centre_hz(1, len(GENRES)), rate_hz=8_000, amplitude=amplitude)
    answer = classify(clip_of(samples, 8_000), {"any": genre})["any"]
    assert answer.probabilities.max() > genre.card.calibration.uncertain_below
    assert answer.uncertain is uncertain
