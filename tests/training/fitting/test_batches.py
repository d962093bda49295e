from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import numpy as np
import pytest
from numpy.random import Generator
from numpy.typing import NDArray

from service.inference.features import Grid
from service.inference.windows import WindowSpec
from training.data.labels import OUTSIDE, UNLABELLED
from training.fitting.batches import Examples, WindowBatches
from training.fitting.targets import Array
from training.networks import musicnn
from training.networks.teacher import stretches
from training.recipes.fit_settings import FitSettings

FRAMES, BANDS, LABELS = 10, 4, 3
WINDOWS = WindowSpec(frames=FRAMES, stride_frames=FRAMES)
TAUGHT = {"logits": LABELS, "teacher": 1}
NO_TEACHER = np.zeros((0, 0), np.float32)
FIT_FIELDS = {field.name for field in fields(FitSettings)}


def unchanged(window: Grid, label: int, _: Generator) -> tuple[Grid, int]:
    return window, label


def ramp(n_frames: int, offset: float = 0.0) -> NDArray[np.float16]:
    """A grid in which the first band tells the share of the clip that has passed."""
    grid = np.full((n_frames, BANDS), offset, np.float16)
    grid[:, 0] = np.arange(n_frames) / n_frames
    return grid


def examples(
    labels: Sequence[int] = (0, 1, 2),
    *,
    companions: Sequence[int] | None = None,
    weights: Sequence[float] | None = None,
    n_frames: int = 40,
    teacher: Sequence[Array] | None = None,
) -> Examples:
    """Return one grid a label; all but the first band hold the grid's number, tenfold smaller."""
    n = len(labels)
    return Examples(
        grids=[ramp(n_frames, offset=i / 10) for i in range(n)],
        labels=labels,
        companions=companions or [UNLABELLED] * n,
        weights=np.array(weights or [1.0] * n),
        teacher=teacher or [NO_TEACHER] * n,
    )


def batches(source: Examples, **changes: Any) -> WindowBatches:
    fit_changes = {name: changes.pop(name) for name in list(changes) if name in FIT_FIELDS}
    settings = FitSettings(
        **{
            "epochs": 1,
            "batches_per_epoch": 5,
            "batch_size": 16,
            "peak_learning_rate": 1e-3,
            "weight_decay": 0.0,
            **fit_changes,
        }
    )
    arguments: dict[str, Any] = {
        "outputs": {"logits": LABELS},
        "windows": WINDOWS,
        "augment": unchanged,
        "seed": 1,
    }
    return WindowBatches(source, settings, **{**arguments, **changes})


def numbers(windows: Array) -> NDArray[np.int64]:
    """Which grid each window was cut from."""
    return np.asarray(np.round(10 * windows[:, 0, 1]), dtype=np.int64)


def noisy(window: Grid, label: int, rng: Generator) -> tuple[Grid, int]:
    return window + rng.standard_normal(window.shape, np.float32), label


@pytest.mark.parametrize("mixup_alpha", [None, 0.4])
def test_a_batch_depends_only_on_seed_epoch_and_place(mixup_alpha: float | None) -> None:
    def batch(seed: int, epoch: int, index: int) -> Array:
        made = batches(examples(), augment=noisy, mixup_alpha=mixup_alpha, seed=seed)
        for earlier in range(index):
            made[earlier]
        made.epoch = epoch
        return made[index][0]

    def alone(seed: int, epoch: int, index: int) -> Array:
        made = batches(examples(), augment=noisy, mixup_alpha=mixup_alpha, seed=seed)
        made.epoch = epoch
        return made[index][0]

    np.testing.assert_array_equal(batch(1, 2, 3), alone(1, 2, 3))
    different = [alone(*place) for place in ((1, 2, 3), (2, 2, 3), (1, 3, 3), (1, 2, 4))]
    for i, one in enumerate(different):
        assert all(not np.allclose(one, other) for other in different[i + 1 :])


def test_an_epoch_has_so_many_batches_of_so_many_windows() -> None:
    made = batches(examples(), batches_per_epoch=7, batch_size=9)
    windows, targets, weights = made[0]

    assert len(made) == 7
    assert windows.shape == (9, FRAMES, BANDS)
    assert windows.dtype == np.float32
    assert targets["logits"].shape == (9, LABELS)
    assert weights["logits"].shape == (9,)


def test_each_window_carries_the_label_of_its_clip() -> None:
    windows, targets, weights = batches(examples((2, 0, 1)), batch_size=50)[0]

    of_number = np.array([2, 0, 1])
    np.testing.assert_array_equal(targets["logits"], np.eye(LABELS)[of_number[numbers(windows)]])
    assert (weights["logits"] == 1).all()


def test_a_window_is_an_unbroken_piece_of_its_clip() -> None:
    windows, _, _ = batches(examples(), batch_size=50)[0]

    steps = np.diff(windows[:, :, 0], axis=1)
    np.testing.assert_allclose(steps, 1 / 40, atol=1e-3)
    starts = np.round(40 * windows[:, 0, 0]).astype(int)
    assert starts.min() < 5
    assert starts.max() > 25


def test_the_last_frame_of_a_clip_can_be_drawn() -> None:
    windows, _, _ = batches(examples(n_frames=FRAMES + 1), batch_size=50)[0]
    starts = np.round((FRAMES + 1) * windows[:, 0, 0]).astype(int)
    assert set(starts.tolist()) == {0, 1}


def test_a_short_clip_is_padded_with_silence() -> None:
    windows, _, _ = batches(examples(n_frames=4))[0]

    assert windows.shape[1] == FRAMES
    assert windows[:, 1:4].any()
    assert not windows[:, 4:].any()


def test_a_short_clip_is_repeated_where_the_recipe_wants_it() -> None:
    repeating = WindowSpec(frames=FRAMES, stride_frames=FRAMES, short="repeat")
    windows, _, _ = batches(examples(n_frames=4), windows=repeating)[0]

    np.testing.assert_array_equal(windows[:, 4:8], windows[:, :4])
    np.testing.assert_array_equal(windows[:, 8:], windows[:, :2])
    assert windows[:, 1:4].any()


def test_clips_are_drawn_as_often_as_their_weight_says() -> None:
    windows, _, _ = batches(examples(weights=(6.0, 3.0, 0.0)), batch_size=3_000)[0]

    drawn = np.bincount(numbers(windows), minlength=3) / 3_000

    np.testing.assert_allclose(drawn, [2 / 3, 1 / 3, 0], atol=0.04)
    assert drawn[2] == 0


def test_unlabelled_clips_have_no_label_and_no_weight() -> None:
    windows, targets, weights = batches(examples((0, UNLABELLED, 2)), batch_size=60)[0]

    unlabelled = numbers(windows) == 1
    assert unlabelled.any()
    assert not targets["logits"][unlabelled].any()
    assert not weights["logits"][unlabelled].any()
    assert (weights["logits"][~unlabelled] == 1).all()


def test_clips_outside_of_all_labels_count_in_full() -> None:
    windows, targets, weights = batches(examples((0, OUTSIDE, 2)), batch_size=60)[0]

    outside = numbers(windows) == 1
    assert outside.any()
    np.testing.assert_allclose(targets["logits"][outside], 1 / LABELS)
    assert set(targets["logits"][~outside].reshape(-1).tolist()) == {0.0, 1.0}
    assert (weights["logits"] == 1).all()


def test_a_clip_has_the_labels_of_both_tasks() -> None:
    outputs = {"logits": LABELS, "companion": 4}
    source = examples((0, UNLABELLED, 2), companions=(3, 1, UNLABELLED))

    windows, targets, weights = batches(source, outputs=outputs, batch_size=60)[0]

    of_label = np.array([[1, 0, 0], [0, 0, 0], [0, 0, 1]])
    of_companion = np.array([[0, 0, 0, 1], [0, 1, 0, 0], [0, 0, 0, 0]])
    drawn = numbers(windows)
    np.testing.assert_array_equal(targets["logits"], of_label[drawn])
    np.testing.assert_array_equal(targets["companion"], of_companion[drawn])
    np.testing.assert_array_equal(weights["logits"], of_label.sum(axis=1)[drawn])
    np.testing.assert_array_equal(weights["companion"], of_companion.sum(axis=1)[drawn])
    assert set(drawn.tolist()) == {0, 1, 2}


def test_the_companions_label_is_not_augmented() -> None:
    def next_label(window: Grid, label: int, _: Generator) -> tuple[Grid, int]:
        return window, (label + 1) % LABELS

    outputs = {"logits": LABELS, "companion": LABELS}
    source = examples(companions=(0, 1, 2))
    windows, targets, _ = batches(source, outputs=outputs, augment=next_label)[0]

    np.testing.assert_array_equal(targets["companion"].argmax(axis=1), numbers(windows))


def test_the_augmentation_may_change_the_label() -> None:
    def next_label(window: Grid, label: int, _: Generator) -> tuple[Grid, int]:
        return window, (label + 1) % LABELS

    windows, targets, _ = batches(examples(), augment=next_label)[0]

    np.testing.assert_array_equal(targets["logits"].argmax(axis=1), (numbers(windows) + 1) % LABELS)


def test_there_are_targets_for_the_networks_outputs_alone() -> None:
    source = examples(companions=(0, 1, 2), teacher=[np.ones((1, 1), np.float32)] * 3)
    _, targets, weights = batches(source)[0]
    assert set(targets) == set(weights) == {"logits"}


def test_the_teachers_target_is_what_it_said_along_the_window() -> None:
    # The teacher tells the time: one stretch for every frame of the clip.
    along = np.linspace(0, 1, 40, endpoint=False, dtype=np.float32)[:, None]
    source = examples(teacher=[along] * 3)

    windows, targets, weights = batches(source, outputs=TAUGHT, batch_size=50)[0]

    np.testing.assert_allclose(targets["teacher"][:, 0], windows[:, :, 0].mean(axis=1), atol=1e-3)
    assert (weights["teacher"] == 1).all()
    starts = np.round(40 * windows[:, 0, 0]).astype(int)
    assert len(set(starts.tolist())) > 10


def test_a_long_window_is_taught_the_stretches_that_lie_mostly_in_it() -> None:
    """With stretches of five frames and windows of ten."""
    along = 2.0 ** np.arange(8, dtype=np.float32)[:, None]
    source = examples(teacher=[along] * 3)

    windows, targets, _ = batches(source, outputs=TAUGHT, batch_size=100)[0]

    starts = np.round(40 * windows[:, 0, 0]).astype(int)
    for start, target in zip(starts, targets["teacher"][:, 0], strict=True):
        inside = [len({*range(5 * i, 5 * i + 5)} & {*range(start, start + 10)}) for i in range(8)]
        mostly = np.array(inside) > 2
        assert target == along[mostly, 0].mean()
    assert len(set(starts.tolist())) > 20


@pytest.mark.parametrize("n_frames", [100, 187, 250, 281, 400, 467, 468, 560, 1_000, 1_876])
def test_a_window_lies_where_the_teacher_listened(n_frames: int) -> None:
    frames = musicnn.FRAMES
    # Half precision holds each frame's number.
    grid = np.tile(np.arange(n_frames, dtype=np.float16)[:, None], (1, musicnn.SPEC.bands))
    # The teacher tells where its stretch begins.
    comments = stretches(grid.astype(np.float32))[:, 0, :1]
    source = Examples([grid], [0], [UNLABELLED], np.ones(1), [comments])
    windows = WindowSpec(frames=frames, stride_frames=frames, short="repeat")

    made = batches(source, outputs=TAUGHT, windows=windows, batch_size=50)
    inputs, targets, _ = made[0]

    begins, told = inputs[:, 0, 0], targets["teacher"][:, 0]
    assert set(told.tolist()) <= set(comments[:, 0].tolist())
    assert np.abs(begins - told).max() <= 0.1 * frames + 1
    if len(comments) < 4:
        assert set(told.tolist()) == set(comments[:, 0].tolist())
    if n_frames > 250:
        assert len(set(begins.tolist())) > 10


def test_the_whole_comment_counts_for_a_padded_clip() -> None:
    along = np.array([[0.0], [1.0]], np.float32)
    source = examples(n_frames=4, teacher=[along] * 3)
    _, targets, _ = batches(source, outputs=TAUGHT)[0]
    assert (targets["teacher"] == 0.5).all()


def test_clips_on_which_the_teacher_is_silent_have_no_weight() -> None:
    silent = np.zeros((0, 1), np.float32)
    source = examples(teacher=[np.ones((2, 1), np.float32), silent, silent])

    windows, targets, weights = batches(source, outputs=TAUGHT, batch_size=60)[0]

    commented = numbers(windows) == 0
    np.testing.assert_array_equal(weights["teacher"], commented.astype(np.float32))
    np.testing.assert_array_equal(targets["teacher"][:, 0], commented.astype(np.float32))


def test_only_a_share_of_the_batches_is_mixed() -> None:
    made = batches(examples(), mixup_alpha=0.4, mixup_share=0.5, batches_per_epoch=40)
    mixed = [bool((made[i][1]["logits"].max(axis=1) < 1).any()) for i in range(40)]
    assert 8 <= sum(mixed) <= 32
