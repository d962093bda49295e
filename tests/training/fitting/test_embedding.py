from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers
from numpy.random import Generator
from numpy.typing import NDArray

from service.inference.features import Grid
from service.inference.windows import WindowSpec, cut_windows
from tests.training.tiny import (
    TOY,
    TOY_BANDS,
    TOY_FRAMES,
    TOY_UNITS,
    noisy,
    toy_backbone,
    unchanged,
    varied,
)
from training.data.labels import OUTSIDE, UNLABELLED
from training.fitting.counting import EMBEDDED_WINDOWS
from training.fitting.embedding import (
    ALTERED_COPIES,
    embed,
    on_embeddings,
    on_top,
    taken_apart,
)
from training.fitting.items import Item, Material
from training.networks.architectures import embedding_net
from training.recipes import Recipe

NOISY = replace(TOY, augment=noisy)


def random_grid(n_frames: int, seed: int = 0) -> NDArray[np.float16]:
    return np.random.default_rng(seed).random((n_frames, TOY_BANDS)).astype(np.float16)


def make_item(name: str, n_frames: int, label: int = 0, n_copies: int = 0) -> Item:
    return Item(
        group=name,
        label=label,
        grids=[random_grid(n_frames, seed) for seed in range(1 + n_copies)],
        teacher=np.full((2, 3), n_frames, np.float32),
        weight=n_frames / 10,
        companion=label + 1,
    )


MATERIAL = Material(
    clips=[],
    items=[make_item("long", 30, 1, n_copies=1), make_item("short", 5)],
    others=[make_item("other", 12, UNLABELLED)],
    synthetic=[make_item("synthetic", 16, OUTSIDE)],
    skipped=[],
)


def all_items(material: Material) -> list[Item]:
    return [*material.items, *material.others, *material.synthetic]


def embedded(recipe: Recipe = NOISY, seed: int = 1) -> list[Item]:
    return all_items(embed(MATERIAL, recipe, toy_backbone(), seed))


def test_the_first_form_is_what_the_backbone_hears_in_each_window() -> None:
    backbone = toy_backbone()
    for before, after in zip(all_items(MATERIAL), embedded(), strict=True):
        windows = cut_windows(before.grids[0].astype(np.float32), TOY.inputs.windows)
        heard = np.asarray(backbone(windows))

        assert after.grids[0].shape == (len(windows), TOY_UNITS)
        assert after.grids[0].dtype == np.float16
        np.testing.assert_allclose(after.grids[0], heard, atol=2e-3)
    assert [len(item.grids[0]) for item in embedded()] == [7, 1, 2, 3]


def test_altered_copies_differ_from_the_clip_and_from_each_other() -> None:
    for item in embedded():
        assert len(item.grids) == 1 + ALTERED_COPIES
        assert len({grid.shape for grid in item.grids}) == 1
        for i, one in enumerate(item.grids):
            for other in item.grids[i + 1 :]:
                # Every window is altered.
                assert (np.abs(one.astype(float) - other).max(axis=1) > 0.003).all()


def test_copies_are_altered_by_the_recipe_before_they_are_heard() -> None:
    def turned(window: Grid, label: int, _: Generator) -> tuple[Grid, int]:
        return 1 - window, label

    backbone = toy_backbone()
    found = embedded(replace(TOY, augment=turned))
    for before, after in zip(all_items(MATERIAL), found, strict=True):
        windows = cut_windows(before.grids[0].astype(np.float32), TOY.inputs.windows)
        heard = np.asarray(backbone(1 - windows))
        for copy in after.grids[1:]:
            np.testing.assert_allclose(copy, heard, atol=2e-3)


def test_without_an_augmentation_all_forms_are_alike() -> None:
    for item in embedded(replace(TOY, augment=unchanged)):
        for copy in item.grids[1:]:
            np.testing.assert_allclose(copy, item.grids[0], atol=2e-3)


def test_short_clips_are_filled_as_the_recipe_wants_it() -> None:
    repeating = WindowSpec(frames=TOY_FRAMES, stride_frames=4, short="repeat")
    silent, repeated = (
        embedded(varied(NOISY, windows=windows))[1].grids[0]
        for windows in (TOY.inputs.windows, repeating)
    )
    # Levels are means over the window, of which three of eight frames would be silent.
    assert (repeated[0, :TOY_BANDS] > silent[0, :TOY_BANDS]).all()


def test_all_else_that_is_known_of_a_clip_stays() -> None:
    for before, after in zip(all_items(MATERIAL), embedded(), strict=True):
        assert vars(replace(after, grids=before.grids)) == vars(before)


def test_the_same_seed_gives_the_same_embeddings() -> None:
    def forms(seed: int) -> NDArray[np.float16]:
        return np.concatenate([np.concatenate(item.grids) for item in embedded(seed=seed)])

    first = forms(1)
    np.testing.assert_array_equal(forms(1), first)
    assert not np.array_equal(forms(2), first)


def test_on_embeddings_a_frame_is_a_window_and_nothing_is_altered() -> None:
    recipe = on_embeddings(NOISY)
    heard = embedded()[0].grids[0].astype(np.float32)

    windows = cut_windows(heard, recipe.inputs.windows)
    altered, label = recipe.augment(windows[0], 1, np.random.default_rng(0))

    assert recipe.inputs.windows == EMBEDDED_WINDOWS
    np.testing.assert_array_equal(windows[:, 0], heard)
    np.testing.assert_array_equal(altered, windows[0])
    assert label == 1
    assert varied(recipe, windows=NOISY.inputs.windows, augment=NOISY.augment) == NOISY


@pytest.mark.parametrize("companions", [0, 3])
def test_a_network_on_top_answers_as_backbone_and_head_one_after_the_other(
    companions: int,
) -> None:
    backbone = toy_backbone()
    head = embedding_net(TOY_UNITS, 2, companions, hidden_units=4)
    windows = np.random.default_rng(0).random((5, TOY_FRAMES, TOY_BANDS), dtype=np.float32)

    whole = on_top(backbone, head)
    found = whole(windows, training=False)

    heard = np.asarray(backbone(windows))[:, None]
    expected = head(heard, training=False)
    assert whole.input_shape == (None, TOY_FRAMES, TOY_BANDS)
    assert set(found) == set(expected) == ({"logits", "companion"} if companions else {"logits"})
    for name, answer in expected.items():
        np.testing.assert_allclose(np.asarray(found[name]), np.asarray(answer), atol=1e-5)
    assert np.asarray(found["logits"]).std() > 0
    assert whole.count_params() == backbone.count_params() + head.count_params()


def test_a_backbone_that_outlives_its_session_still_carries_a_head() -> None:
    keras.utils.clear_session()
    window = keras.Input((TOY_FRAMES, TOY_BANDS))
    backbone = keras.Model(window, layers.Reshape((TOY_FRAMES * TOY_BANDS,))(window))
    keras.utils.clear_session()

    whole = on_top(backbone, embedding_net(TOY_FRAMES * TOY_BANDS, 2, 0, hidden_units=4))

    assert whole.output["logits"].shape == (None, 2)


def test_a_kept_network_is_taken_apart_where_it_was_joined(tmp_path: Path) -> None:
    head = embedding_net(TOY_UNITS, 2, 3, hidden_units=4)
    on_top(toy_backbone(), head).save(tmp_path / "network.keras")
    keras.utils.clear_session()
    whole = keras.saving.load_model(tmp_path / "network.keras", compile=False)
    windows = np.random.default_rng(0).random((5, TOY_FRAMES, TOY_BANDS), dtype=np.float32)

    backbone, found = taken_apart(whole)

    assert backbone is not None
    heard = np.asarray(backbone(windows))
    np.testing.assert_allclose(heard[:, 0], np.asarray(toy_backbone()(windows)), atol=1e-6)
    for name, answer in whole(windows, training=False).items():
        again = np.asarray(found(heard, training=False)[name])
        np.testing.assert_allclose(again, np.asarray(answer), atol=1e-6)
    assert found.count_params() == head.count_params()


def test_a_network_that_stands_on_no_other_stays_whole() -> None:
    network = TOY.build(0)
    assert taken_apart(network) == (None, network)


def test_every_window_is_told_the_context_of_its_clip() -> None:
    context = np.array([0.25, 0.5], np.float32)
    items = [replace(item, context=n * context) for n, item in enumerate(MATERIAL.items)]
    material = replace(MATERIAL, items=items, others=[], synthetic=[])

    for n, item in enumerate(embed(material, NOISY, toy_backbone(), seed=1).items):
        for grid in item.grids:
            assert grid.shape[1] == TOY_UNITS + 2
            assert (grid[:, TOY_UNITS:] == n * context).all()


def test_a_head_that_is_told_a_context_makes_a_network_that_asks_for_it() -> None:
    backbone, head = toy_backbone(), embedding_net(TOY_UNITS + 2, 2, 0, hidden_units=4)
    rng = np.random.default_rng(0)
    windows = rng.random((5, TOY_FRAMES, TOY_BANDS), dtype=np.float32)
    contexts = rng.random((5, 2), dtype=np.float32)

    network = on_top(backbone, head)
    below, above = taken_apart(network)

    both = np.concatenate([np.asarray(backbone(windows)), contexts], axis=1)[:, np.newaxis]
    expected = np.asarray(head(both)["logits"])
    np.testing.assert_allclose(network([windows, contexts])["logits"], expected, atol=1e-6)
    assert above is head
    assert below is not None
    np.testing.assert_allclose(below(windows)[:, 0], backbone(windows), atol=1e-6)
