import json
from pathlib import Path

import numpy as np
import pytest

from service.audio.decode import clip_of
from service.errors import BundleError
from service.inference import network
from service.inference.bundle import Bundle, calibrated
from service.inference.bundle_files import (
    BANK_FILE,
    CARD_FILE,
    CONTEXT_BANK_FILE,
    CONTEXT_FILE,
    CONTEXT_FILES,
    EMBEDDING_FILE,
    GOLDEN_FILE,
    HASHED_FILES,
    MODEL_FILE,
    RATINGS_FILE,
    file_sha256,
)
from service.inference.card import Calibration, LengthCalibration
from service.inference.features import Grid
from service.inference.softmax import softmax
from service.inference.windows import cut_windows
from tests.audio import tone
from tests.bundles import (
    GENRES,
    LOGITS_PER_LEVEL,
    SAMPLE_RATE_HZ,
    band_centre_hz,
    edit_card,
    load_golden,
    rehash,
    save_golden,
    write_bundle,
    write_embedding,
    write_linear,
    write_network,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_bundle(tmp_path / "genre")


def refusal(folder: Path) -> str:
    with pytest.raises(BundleError) as caught:
        Bundle.load(folder)
    return str(caught.value)


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


@pytest.mark.parametrize("name", [CARD_FILE, *HASHED_FILES])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    assert refusal(folder) == f"{folder.name}/{name} does not exist"


@pytest.mark.parametrize("name", HASHED_FILES)
def test_a_damaged_file_is_named(folder: Path, name: str) -> None:
    with (folder / name).open("ab") as file:
        file.write(b"\0")
    assert refusal(folder).startswith(f"{folder.name}/{name} is damaged")


@pytest.mark.parametrize("name", HASHED_FILES)
def test_a_file_whose_hash_the_card_does_not_know_is_named(folder: Path, name: str) -> None:
    edit_card(folder, sha256={n: file_sha256(folder / n) for n in HASHED_FILES if n != name})
    assert refusal(folder).startswith(f"{folder.name}/{name} is damaged")


@pytest.mark.parametrize("change", [{"labels": ["one"]}, {"surprise": 1}, {"windows": {}}])
def test_a_bad_card_is_named_with_its_fault(folder: Path, change: dict[str, object]) -> None:
    edit_card(folder, **change)

    reason = refusal(folder)

    assert reason.startswith(f"{folder.name}/{CARD_FILE} is not a valid card")
    assert next(iter(change)) in reason
    assert "\n" not in reason
    assert "pydantic" not in reason


def test_a_card_that_is_not_json_is_named(folder: Path) -> None:
    (folder / CARD_FILE).write_text("task: genre")
    assert refusal(folder).startswith(f"{folder.name}/{CARD_FILE} is not a valid card")


def test_a_filter_bank_of_another_shape_is_named(folder: Path) -> None:
    np.save(folder / BANK_FILE, np.zeros((3, 129), np.float32))
    rehash(folder)
    assert refusal(folder) == f"{folder.name}/{BANK_FILE} has shape (3, 129), not (4, 129)"


@pytest.mark.parametrize("what", ["features", "logits"])
@pytest.mark.parametrize("off", [0.01, np.nan])
def test_a_golden_output_that_is_not_reproduced_is_named(
    folder: Path, what: str, off: float
) -> None:
    golden = load_golden(folder)
    golden[what][0, 0] += off
    save_golden(folder, golden)
    rehash(folder)

    reason = refusal(folder)

    assert f"{folder.name}/{GOLDEN_FILE}" in reason
    assert f"golden clip's {what} differ" in reason


@pytest.mark.parametrize("what", ["features", "logits"])
def test_a_golden_output_of_another_shape_is_refused(folder: Path, what: str) -> None:
    golden = load_golden(folder)
    golden[what] = golden[what][1:]
    save_golden(folder, golden)
    rehash(folder)
    assert f"golden clip's {what} differ" in refusal(folder)


def test_a_filter_bank_other_than_in_training_is_refused(folder: Path) -> None:
    np.save(folder / BANK_FILE, np.load(folder / BANK_FILE)[::-1])
    rehash(folder)
    assert "golden clip's features differ" in refusal(folder)


def test_a_feature_specification_other_than_in_training_is_refused(folder: Path) -> None:
    features = Bundle.load(folder).card.features.model_dump()
    edit_card(folder, features=features | {"range_db": 60.0})
    assert "golden clip's features differ" in refusal(folder)


def test_a_network_that_onnxruntime_cannot_read_is_named(folder: Path) -> None:
    (folder / MODEL_FILE).write_bytes(b"not a network")
    rehash(folder)
    assert refusal(folder).startswith(f"{folder.name}/{MODEL_FILE} cannot be loaded")


def test_a_network_with_fewer_outputs_than_labels_is_named(folder: Path) -> None:
    write_network(folder / MODEL_FILE, frames=32, bands=4, labels=3)
    golden = load_golden(folder)
    golden["logits"] = golden["logits"][:, :3]
    save_golden(folder, golden)
    rehash(folder)

    reason = refusal(folder)

    assert f"{folder.name}/{MODEL_FILE}" in reason
    assert "4 labels" in reason


@pytest.fixture
def embedding_folder(tmp_path: Path) -> Path:
    return write_bundle(tmp_path / "emotion", embedding_gain=2.0)


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


def test_a_missing_embedding_is_named(embedding_folder: Path) -> None:
    (embedding_folder / EMBEDDING_FILE).unlink()
    assert refusal(embedding_folder) == f"emotion/{EMBEDDING_FILE} does not exist"


def test_a_damaged_embedding_is_named(embedding_folder: Path) -> None:
    write_embedding(embedding_folder / EMBEDDING_FILE, bands=4, gain=2.1)
    assert refusal(embedding_folder).startswith(f"emotion/{EMBEDDING_FILE} is damaged")


def test_an_embedding_that_the_card_does_not_know_is_named(embedding_folder: Path) -> None:
    known = {name: file_sha256(embedding_folder / name) for name in HASHED_FILES}
    edit_card(embedding_folder, sha256=known)
    assert refusal(embedding_folder).startswith(f"emotion/{EMBEDDING_FILE} is damaged")


def test_an_embedding_other_than_in_training_is_refused(embedding_folder: Path) -> None:
    write_embedding(embedding_folder / EMBEDDING_FILE, bands=4, gain=2.1)
    rehash(embedding_folder)
    assert "golden clip's logits differ" in refusal(embedding_folder)


def test_an_embedding_that_onnxruntime_cannot_read_is_named(embedding_folder: Path) -> None:
    (embedding_folder / EMBEDDING_FILE).write_bytes(b"not a network")
    rehash(embedding_folder)
    assert refusal(embedding_folder).startswith(f"emotion/{EMBEDDING_FILE} cannot be loaded")


def test_networks_that_do_not_fit_each_other_are_named(embedding_folder: Path) -> None:
    write_network(embedding_folder / MODEL_FILE, frames=2, bands=4, labels=4)
    rehash(embedding_folder)
    assert refusal(embedding_folder).startswith("the networks of emotion cannot be run")


def test_softmax_of_huge_logits_is_finite_and_sums_to_one() -> None:
    probabilities = softmax(np.array([[1e4, 1e4 - 1, -1e4], [0.0, 0.0, 0.0]], np.float32))

    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    np.testing.assert_allclose(probabilities[1], 1 / 3)
    assert probabilities[0, 0] / probabilities[0, 1] == pytest.approx(np.e)
    assert probabilities.dtype == np.float64


@pytest.fixture
def rated_folder(tmp_path: Path) -> Path:
    return write_bundle(tmp_path / "emotion", embedding_gain=2.0, rating_bands={"energy": 3})


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


def test_missing_ratings_are_named(rated_folder: Path) -> None:
    (rated_folder / RATINGS_FILE).unlink()
    assert refusal(rated_folder) == f"emotion/{RATINGS_FILE} does not exist"


def test_ratings_that_are_not_reproduced_are_named(rated_folder: Path) -> None:
    golden = load_golden(rated_folder)
    golden["ratings"][0, 0] += 0.01
    save_golden(rated_folder, golden)
    rehash(rated_folder)
    assert "golden clip's ratings differ" in refusal(rated_folder)


def test_ratings_that_the_card_does_not_name_are_refused(rated_folder: Path) -> None:
    energy = json.loads((rated_folder / CARD_FILE).read_bytes())["ratings"][0]
    edit_card(rated_folder, ratings=[energy, energy | {"name": "dark"}])
    assert f"emotion/{RATINGS_FILE}" in refusal(rated_folder)
    assert "2 ratings" in refusal(rated_folder)


CONTEXT_RATE_HZ = 11_025


@pytest.fixture
def context_folder(tmp_path: Path) -> Path:
    return write_bundle(
        tmp_path / "emotion",
        embedding_gain=2.0,
        rating_bands={"energy": 3},
        context_rate_hz=CONTEXT_RATE_HZ,
    )


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


@pytest.mark.parametrize("name", CONTEXT_FILES)
@pytest.mark.parametrize("known", [True, False])
def test_a_missing_part_of_a_context_is_named(
    context_folder: Path, name: str, *, known: bool
) -> None:
    (context_folder / name).unlink()
    if not known:
        rehash(context_folder)
    assert refusal(context_folder) == f"emotion/{name} does not exist"


@pytest.mark.parametrize("name", CONTEXT_FILES)
def test_a_damaged_part_of_a_context_is_named(context_folder: Path, name: str) -> None:
    with (context_folder / name).open("ab") as file:
        file.write(b"\0")
    assert refusal(context_folder).startswith(f"emotion/{name} is damaged")


def test_a_context_that_onnxruntime_cannot_read_is_named(context_folder: Path) -> None:
    (context_folder / CONTEXT_FILE).write_bytes(b"not a network")
    rehash(context_folder)
    assert refusal(context_folder).startswith(f"emotion/{CONTEXT_FILE} cannot be loaded")


def test_a_contexts_filter_bank_of_another_shape_is_named(context_folder: Path) -> None:
    np.save(context_folder / CONTEXT_BANK_FILE, np.zeros((3, 129), np.float32))
    rehash(context_folder)
    expected = f"emotion/{CONTEXT_BANK_FILE} has shape (3, 129), not (4, 129)"
    assert refusal(context_folder) == expected


@pytest.mark.parametrize("off", [0.01, np.nan])
def test_a_contexts_features_that_are_not_reproduced_are_named(
    context_folder: Path, off: float
) -> None:
    golden = load_golden(context_folder)
    golden["context_features"][0, 0] += off
    save_golden(context_folder, golden)
    rehash(context_folder)
    assert "golden clip's context_features differ" in refusal(context_folder)


def test_a_context_other_than_in_training_is_refused(context_folder: Path) -> None:
    write_linear(context_folder / CONTEXT_FILE, 5 * np.eye(4, dtype=np.float32), frames=16)
    rehash(context_folder)
    assert "golden clip's logits differ" in refusal(context_folder)


def test_a_context_with_more_outputs_than_the_network_takes_is_named(context_folder: Path) -> None:
    write_network(context_folder / CONTEXT_FILE, frames=16, bands=4, labels=5)
    rehash(context_folder)
    assert refusal(context_folder).startswith("the networks of emotion cannot be run")


def test_the_golden_clip_is_brought_to_the_contexts_rate(context_folder: Path) -> None:
    golden = load_golden(context_folder)
    context = Bundle.load(context_folder).context
    assert context is not None

    clip = clip_of(golden["samples"], SAMPLE_RATE_HZ, [CONTEXT_RATE_HZ])

    grid = context.features(clip.waveforms[CONTEXT_RATE_HZ])
    np.testing.assert_allclose(golden["context_features"], grid, atol=1e-6)


def test_a_context_without_an_embedding_is_refused(context_folder: Path) -> None:
    (context_folder / EMBEDDING_FILE).unlink()
    rehash(context_folder)
    reason = refusal(context_folder)
    assert reason.startswith(f"emotion/{CARD_FILE} has a context but no {EMBEDDING_FILE}")
