import json
from pathlib import Path

import numpy as np
import pytest

from service.audio.decode import clip_of
from service.inference.bundle import Bundle
from service.inference.bundle_files import (
    BANK_FILE,
    CARD_FILE,
    CONTEXT_FILE,
    EMBEDDING_FILE,
    GOLDEN_FILE,
    MODEL_FILE,
    RATINGS_FILE,
)
from service.inference.golden import ANSWERS_TOLERANCE, FEATURES_TOLERANCE
from tests.bundles import SAMPLE_RATE_HZ, edit_card, rehash, write_bundle
from tests.goldens import load_golden, save_golden
from tests.networks import write_embedding, write_linear, write_network
from tests.service.inference.refusals import CONTEXT_RATE_HZ, refusal


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


def test_features_are_held_to_more_than_answers(folder: Path) -> None:
    golden = load_golden(folder)
    golden["features"][0, 0] += 3 * FEATURES_TOLERANCE
    golden["logits"][0, 0] += 0.5 * ANSWERS_TOLERANCE
    save_golden(folder, golden)
    rehash(folder)

    assert "golden clip's features differ" in refusal(folder)


def test_networks_are_asked_about_the_features_of_training(tmp_path: Path) -> None:
    """So processors may differ a little in features of which a network makes much."""
    folder = write_bundle(tmp_path / "emotion", embedding_gain=1_000)
    bundle, golden = Bundle.load(folder), load_golden(folder)
    computed = golden["features"]
    golden["features"] = computed + np.float32(0.5 * FEATURES_TOLERANCE)
    golden["logits"] = bundle.window_logits(golden["features"])
    save_golden(folder, golden)
    rehash(folder)

    again = Bundle.load(folder)

    off = np.abs(again.window_logits(computed) - golden["logits"]).max()
    assert off > ANSWERS_TOLERANCE


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


def test_a_network_with_fewer_outputs_than_labels_is_named(folder: Path) -> None:
    write_network(folder / MODEL_FILE, frames=32, bands=4, labels=3)
    golden = load_golden(folder)
    golden["logits"] = golden["logits"][:, :3]
    save_golden(folder, golden)
    rehash(folder)

    reason = refusal(folder)

    assert f"{folder.name}/{MODEL_FILE}" in reason
    assert "4 labels" in reason


def test_an_embedding_other_than_in_training_is_refused(embedding_folder: Path) -> None:
    write_embedding(embedding_folder / EMBEDDING_FILE, bands=4, gain=2.1)
    rehash(embedding_folder)
    assert "golden clip's logits differ" in refusal(embedding_folder)


def test_networks_that_do_not_fit_each_other_are_named(embedding_folder: Path) -> None:
    write_network(embedding_folder / MODEL_FILE, frames=2, bands=4, labels=4)
    rehash(embedding_folder)
    assert refusal(embedding_folder).startswith("the networks of emotion cannot be run")


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
