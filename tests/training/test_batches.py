from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import numpy as np
import pytest
from numpy.random import Generator
from numpy.typing import NDArray

from service.features import Grid
from training.batches import UNLABELLED, Array, Batch, Examples, WindowBatches, mix_up
from training.fit_settings import FitSettings

FRAMES, BANDS, LABELS = 10, 4, 3
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
    weights: Sequence[float] | None = None,
    n_frames: int = 40,
    teacher: Sequence[Array] | None = None,
) -> Examples:
    """Return one grid a label; all but the first band hold the grid's number, tenfold smaller."""
    n = len(labels)
    return Examples(
        grids=[ramp(n_frames, offset=i / 10) for i in range(n)],
        labels=labels,
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
        "n_labels": LABELS,
        "frames": FRAMES,
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
    assert starts.max() == 40 - FRAMES or starts.max() > 25


def test_the_last_frame_of_a_clip_can_be_drawn() -> None:
    windows, _, _ = batches(examples(n_frames=FRAMES + 1), batch_size=50)[0]
    starts = np.round((FRAMES + 1) * windows[:, 0, 0]).astype(int)
    assert set(starts.tolist()) == {0, 1}


def test_a_short_clip_is_padded_with_silence() -> None:
    windows, _, _ = batches(examples(n_frames=4))[0]

    assert windows.shape[1] == FRAMES
    assert not windows[:, 4:].any()


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


def test_the_augmentation_may_change_the_label() -> None:
    def next_label(window: Grid, label: int, _: Generator) -> tuple[Grid, int]:
        return window, (label + 1) % LABELS

    windows, targets, _ = batches(examples(), augment=next_label)[0]

    np.testing.assert_array_equal(targets["logits"].argmax(axis=1), (numbers(windows) + 1) % LABELS)


def test_without_a_teacher_there_is_no_target_for_one() -> None:
    _, targets, weights = batches(examples())[0]
    assert set(targets) == set(weights) == {"logits"}


def test_the_teachers_target_is_what_it_said_along_the_window() -> None:
    # The teacher tells the time: one stretch for every frame of the clip.
    along = np.linspace(0, 1, 40, endpoint=False, dtype=np.float32)[:, None]
    source = examples(teacher=[along] * 3)

    windows, targets, weights = batches(source, batch_size=50)[0]

    np.testing.assert_allclose(targets["teacher"][:, 0], windows[:, :, 0].mean(axis=1), atol=1e-3)
    assert (weights["teacher"] == 1).all()


def test_a_teacher_with_few_stretches_is_read_where_the_window_lies() -> None:
    along = np.array([[0.0], [1.0]], np.float32)
    windows, targets, _ = batches(examples(teacher=[along] * 3), batch_size=200)[0]

    begin = np.round(40 * windows[:, 0, 0]).astype(int)
    heard = targets["teacher"][:, 0]
    assert (heard[begin + FRAMES <= 20] == 0).all()
    assert (heard[begin >= 20] == 1).all()
    assert (heard[(begin < 20) & (begin + FRAMES > 20)] == 0.5).all()


def test_the_whole_comment_counts_for_a_padded_clip() -> None:
    along = np.array([[0.0], [1.0]], np.float32)
    _, targets, _ = batches(examples(n_frames=4, teacher=[along] * 3))[0]
    assert (targets["teacher"] == 0.5).all()


def test_clips_on_which_the_teacher_is_silent_have_no_weight() -> None:
    silent = np.zeros((0, 1), np.float32)
    source = examples(teacher=[np.ones((2, 1), np.float32), silent, silent])

    windows, targets, weights = batches(source, batch_size=60)[0]

    commented = numbers(windows) == 0
    np.testing.assert_array_equal(weights["teacher"], commented.astype(np.float32))
    np.testing.assert_array_equal(targets["teacher"][:, 0], commented.astype(np.float32))


def batch_of(label_weights: Sequence[float], teacher_weights: Sequence[float]) -> Batch:
    n = len(label_weights)
    labels = np.eye(LABELS, dtype=np.float32)[np.arange(n) % LABELS]
    return Batch(
        windows=np.arange(n, dtype=np.float32).reshape(n, 1, 1) * np.ones((1, 2, 2), np.float32),
        labels=labels * np.array(label_weights, np.float32)[:, None],
        label_weights=np.array(label_weights, np.float32),
        teacher=np.arange(n, dtype=np.float32)[:, None],
        teacher_weights=np.array(teacher_weights, np.float32),
    )


def test_mixed_labels_of_labelled_pairs_sum_to_one() -> None:
    mixed = mix_up(batch_of([1] * 30, [1] * 30), np.random.default_rng(0), alpha=0.4)

    np.testing.assert_allclose(mixed.labels.sum(axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(mixed.label_weights, 1, atol=1e-6)
    assert ((mixed.labels > 0.01) & (mixed.labels < 0.99)).any()


def test_a_blend_keeps_more_of_the_window_than_of_its_partner() -> None:
    mixed = mix_up(batch_of([1] * 30, [1] * 30), np.random.default_rng(0), alpha=0.4)
    own = mixed.labels[np.arange(30), np.arange(30) % LABELS]
    assert (own >= 0.5 - 1e-6).all()


def test_windows_labels_and_teacher_are_blended_alike() -> None:
    plain = batch_of([1] * 9, [1] * 9)

    mixed = mix_up(plain, np.random.default_rng(3), alpha=1.0)

    # Windows and teacher both hold the clip's number.
    np.testing.assert_allclose(mixed.windows[:, 0, 0], mixed.teacher[:, 0], atol=1e-5)
    assert not np.allclose(mixed.teacher, plain.teacher)


def test_a_blend_counts_as_far_as_its_parts_are_labelled() -> None:
    weights = [1.0, 0.0] * 20

    mixed = mix_up(batch_of(weights, weights), np.random.default_rng(0), alpha=0.4)

    assert ((mixed.label_weights >= 0) & (mixed.label_weights <= 1 + 1e-6)).all()
    half_known = (mixed.label_weights > 0.01) & (mixed.label_weights < 0.99)
    assert half_known.any()
    np.testing.assert_allclose(mixed.labels[half_known].sum(axis=1), 1, atol=1e-4)
    unknown = mixed.label_weights == 0
    assert unknown.any()
    assert not mixed.labels[unknown].any()


def test_the_teacher_counts_only_where_both_parts_have_one() -> None:
    weights = [1.0, 0.0] * 20

    mixed = mix_up(batch_of([1] * 40, weights), np.random.default_rng(0), alpha=0.4)

    assert set(mixed.teacher_weights.tolist()) == {0.0, 1.0}
    assert not mixed.teacher_weights[1::2].any()
    assert mixed.teacher_weights.sum() < sum(weights)


def test_only_a_share_of_the_batches_is_mixed() -> None:
    made = batches(examples(), mixup_alpha=0.4, mixup_share=0.5, batches_per_epoch=40)
    mixed = [bool((made[i][1]["logits"].max(axis=1) < 1).any()) for i in range(40)]
    assert 8 <= sum(mixed) <= 32
