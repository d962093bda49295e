from pathlib import Path

import numpy as np
import pytest

from service.inference import network
from service.inference.bundle import Bundle, calibrated
from service.inference.bundle_files import CARD_FILE, CONTEXT_FILE, EMBEDDING_FILE, MODEL_FILE
from service.inference.card import Calibration, LengthCalibration
from service.inference.features import Grid
from service.inference.windows import cut_windows
from tests.audio import tone
from tests.bundles import GENRES, SAMPLE_RATE_HZ, band_centre_hz, rehash, write_bundle
from tests.networks import LOGITS_PER_LEVEL
from tests.service.inference.refusals import CONTEXT_RATE_HZ, refusal


@pytest.mark.parametrize("label", GENRES)
def test_a_loaded_bundle_answers_as_it_was_trained_to(folder: Path, label: str) -> None:
    bundle = Bundle.load(folder)
    frequency_hz = band_centre_hz(GENRES.index(label), len(GENRES))

    grid = bundle.features(tone(frequency_hz, rate_hz=SAMPLE_RATE_HZ))
    logits = bundle.window_logits(grid)

    assert logits.shape == (len(cut_windows(grid, bundle.card.windows)), len(GENRES))
    answers = {bundle.card.labels[i] for i in logits.argmax(axis=1)}
    assert answers == {label}


def test_a_batch_boundary_does_not_matter(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = Bundle.load(folder)
    grid = bundle.features(tone(rate_hz=SAMPLE_RATE_HZ, duration_s=4.0))
    expected = bundle.window_logits(grid)
    monkeypatch.setattr(network, "BATCH_WINDOWS", 3)

    assert len(expected) > 3
    np.testing.assert_allclose(bundle.window_logits(grid), expected, atol=1e-5)


def test_the_temperature_divides_the_logits(tmp_path: Path) -> None:
    bundle = Bundle.load(write_bundle(tmp_path / "genre", temperature=2.0))
    logits = np.array([4.0, 2.0, 0.0, -2.0], np.float32)
    exponentials = np.exp([2.0, 1.0, 0.0, -1.0])

    np.testing.assert_allclose(bundle.probabilities(logits), exponentials / exponentials.sum())


def test_of_a_short_clip_a_share_is_guessed() -> None:
    calibration = Calibration(
        temperature=5.0,
        by_length=[LengthCalibration(heard_s=1.0, temperature=2.0, weight=0.25)],
        label_shares=[0.1, 0.3],  # of whatever sum
        uncertain_below=0.0,
        fitted_on="nothing",
    )
    logits = np.log([[4.0, 1.0], [1.0, 1.0]])

    found = calibrated(2 * logits, calibration, heard_s=0.5)

    told = np.array([[0.8, 0.2], [0.5, 0.5]])
    np.testing.assert_allclose(found, 0.25 * told + 0.75 * np.array([0.25, 0.75]))


def test_a_network_that_onnxruntime_cannot_read_is_named(folder: Path) -> None:
    (folder / MODEL_FILE).write_bytes(b"not a network")
    rehash(folder)
    assert refusal(folder).startswith(f"{folder.name}/{MODEL_FILE} cannot be loaded")


def test_a_bundle_of_two_networks_answers_as_one_of_one(
    folder: Path, embedding_folder: Path
) -> None:
    one, two = Bundle.load(folder), Bundle.load(embedding_folder)
    grid = one.features(tone(band_centre_hz(1, 4), 2.0, rate_hz=SAMPLE_RATE_HZ))
    windows = cut_windows(grid, one.card.windows)

    bias = np.linspace(0, 0.1, len(GENRES))
    expected = bias + 2 * (one.run(windows) - bias)
    np.testing.assert_allclose(two.window_logits(grid), expected, rtol=1e-5)
    np.testing.assert_array_equal(two.run_embedded(two.embed(windows)), two.run(windows))
    assert two.embed(windows).shape == (len(windows), 1, len(GENRES))
    assert one.embed(windows) is windows


def test_an_embedding_that_onnxruntime_cannot_read_is_named(embedding_folder: Path) -> None:
    (embedding_folder / EMBEDDING_FILE).write_bytes(b"not a network")
    rehash(embedding_folder)
    assert refusal(embedding_folder).startswith(f"emotion/{EMBEDDING_FILE} cannot be loaded")


def test_ratings_are_given_what_the_network_is_given(
    embedding_folder: Path, tmp_path: Path
) -> None:
    bands = {"energy": 3, "dark": 0}
    folder = write_bundle(tmp_path / "rated", embedding_gain=2.0, rating_bands=bands)
    rated, unrated = Bundle.load(folder), Bundle.load(embedding_folder)
    grid = rated.features(tone(band_centre_hz(3, 4), 2.0, rate_hz=SAMPLE_RATE_HZ))
    embedding = rated.embed(cut_windows(grid, rated.card.windows))

    ratings = rated.rate_embedded(embedding)

    scaled = rated.run_embedded(embedding) - np.linspace(0, 0.1, len(GENRES))
    np.testing.assert_allclose(ratings, scaled[:, [3, 0]] + [0, 0.1], rtol=1e-5)
    assert unrated.rate_embedded(embedding).shape == (len(embedding), 0)


def context_grid(bundle: Bundle, label: int) -> Grid:
    """Return what a bundle's context is given of a tone that it takes for a label."""
    assert bundle.context is not None
    frequency_hz = band_centre_hz(label, len(GENRES), CONTEXT_RATE_HZ)
    return bundle.context.features(tone(frequency_hz, rate_hz=CONTEXT_RATE_HZ))


def test_what_a_context_hears_is_told_with_every_window(context_folder: Path) -> None:
    bundle = Bundle.load(context_folder)
    grid = bundle.features(tone(rate_hz=SAMPLE_RATE_HZ, duration_s=2.0))
    embedding = bundle.embed(cut_windows(grid, bundle.card.windows))
    context = bundle.context
    assert context is not None

    heard = context.hear(context_grid(bundle, 2))
    told = bundle.told(embedding, context_grid(bundle, 2))

    n_windows = len(embedding)
    assert n_windows > 1
    assert heard.dtype == told.dtype == np.float32
    assert heard.argmax() == 2
    assert told.shape == (n_windows, 1, 3 * len(GENRES))
    np.testing.assert_array_equal(told[..., : len(GENRES)], embedding)
    np.testing.assert_array_equal(told[:, 0, len(GENRES) :], np.tile(heard, (n_windows, 1)))


def test_a_context_hears_mean_and_deviation_over_its_windows(context_folder: Path) -> None:
    context = Bundle.load(context_folder).context
    assert context is not None
    grid = np.random.default_rng(1).random((70, len(GENRES)), dtype=np.float32)
    windows = cut_windows(grid, context.spec.windows)

    answers = LOGITS_PER_LEVEL * windows.mean(axis=1) + np.linspace(0, 0.1, len(GENRES))

    assert len(windows) > 1
    expected = np.concatenate([answers.mean(axis=0), answers.std(axis=0)])
    np.testing.assert_allclose(context.hear(grid), expected, rtol=1e-3)


def test_answers_depend_on_the_context(context_folder: Path) -> None:
    bundle = Bundle.load(context_folder)
    grid = bundle.features(tone(band_centre_hz(0, 4), rate_hz=SAMPLE_RATE_HZ))
    windows = cut_windows(grid, bundle.card.windows)

    first, last = (bundle.window_logits(grid, context_grid(bundle, label)) for label in (0, 3))

    assert (first[:, 0] > last[:, 0] + 1).all()
    assert (first[:, 3] < last[:, 3] - 1).all()
    assert bundle.rate_embedded(bundle.embed(windows)).shape == (len(windows), 1)
    np.testing.assert_array_equal(bundle.run(windows, context_grid(bundle, 0)), first)


def test_nothing_is_told_without_a_context(embedding_folder: Path) -> None:
    bundle = Bundle.load(embedding_folder)
    embedding = np.ones((3, 1, 4), np.float32)
    assert bundle.context is None
    assert bundle.told(embedding, None) is embedding


def test_a_context_cannot_do_without_its_grid(context_folder: Path) -> None:
    bundle = Bundle.load(context_folder)
    with pytest.raises(ValueError, match="emotion needs the grid of its context"):
        bundle.window_logits(np.zeros((64, 4), np.float32))


def test_a_context_that_onnxruntime_cannot_read_is_named(context_folder: Path) -> None:
    (context_folder / CONTEXT_FILE).write_bytes(b"not a network")
    rehash(context_folder)
    assert refusal(context_folder).startswith(f"emotion/{CONTEXT_FILE} cannot be loaded")


def test_a_context_without_an_embedding_is_refused(context_folder: Path) -> None:
    (context_folder / EMBEDDING_FILE).unlink()
    rehash(context_folder)
    reason = refusal(context_folder)
    assert reason.startswith(f"emotion/{CARD_FILE} has a context but no {EMBEDDING_FILE}")
