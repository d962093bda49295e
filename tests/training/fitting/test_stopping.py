from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from service.inference.windows import WindowSpec
from tests.training.tiny import TOY
from training.data.labels import OUTSIDE, UNLABELLED
from training.fitting import stopping
from training.fitting.batches import Examples
from training.fitting.items import Item
from training.fitting.stopping import MAX_STOP_WINDOWS, draw_stop_groups, stop_batch


def drawn(groups: Sequence[str], share: float, seed: int = 0) -> NDArray[np.bool_]:
    return draw_stop_groups([0] * len(groups), groups, share, np.random.default_rng(seed))


def test_long_stop_clips_do_not_drown_short_ones() -> None:
    long = np.zeros((400, 6), np.float16)
    short = np.zeros((5, 6), np.float16)
    nothing = np.zeros((0, 2), np.float32)
    stop = Examples(
        grids=[long, short],
        labels=[1, UNLABELLED],
        companions=[UNLABELLED, OUTSIDE],
        weights=np.ones(2),
        teacher=[np.full((3, 2), 7, np.float32), nothing],
    )

    windows, targets, batch_weights = stop_batch(
        stop, TOY.inputs.windows, {"logits": 2, "companion": 4, "teacher": 2}
    )

    assert len(windows) == MAX_STOP_WINDOWS + 1
    np.testing.assert_array_equal(targets["logits"], [[0, 1]] * 4 + [[0, 0]])
    np.testing.assert_array_equal(targets["companion"], [[0] * 4] * 4 + [[0.25] * 4])
    np.testing.assert_array_equal(targets["teacher"], [[7, 7]] * 4 + [[0, 0]])
    np.testing.assert_array_equal(batch_weights["logits"], [1, 1, 1, 1, 0])
    np.testing.assert_array_equal(batch_weights["companion"], [0, 0, 0, 0, 1])
    np.testing.assert_array_equal(batch_weights["teacher"], [1, 1, 1, 1, 0])


def test_each_stop_window_is_compared_with_the_comment_on_its_own_place() -> None:
    """With windows of one stretch each, four of which are chosen from the whole clip."""
    windows = WindowSpec(frames=8, stride_frames=8)
    grid = np.tile(np.repeat(np.arange(10, dtype=np.float16), 8)[:, None], (1, 6))
    comments = np.arange(10, dtype=np.float32)[:, None]
    stop = Examples([grid], [0], [UNLABELLED], np.ones(1), [comments])

    cut, targets, _ = stop_batch(stop, windows, {"logits": 2, "teacher": 1})

    np.testing.assert_array_equal(targets["teacher"], [[0], [3], [6], [9]])
    np.testing.assert_array_equal(cut[:, 0, 0], [0, 3, 6, 9])


@pytest.mark.parametrize("n_frames", [5, 8, 12, 80, 81, 84, 100])
def test_a_stop_window_is_compared_with_what_the_teacher_said_there(n_frames: int) -> None:
    """As for whole clips of music: windows side by side, the last ends where the clip does."""
    windows = WindowSpec(frames=8, stride_frames=8)
    grid = np.tile(np.arange(1, n_frames + 1, dtype=np.float16)[:, None], (1, 6))
    n_stretches = max(1, round(n_frames / 8))
    begins = np.linspace(0, max(0, n_frames - 8), n_stretches).astype(np.float32)
    stop = Examples([grid], [0], [UNLABELLED], np.ones(1), [begins[:, None]])

    cut, targets, _ = stop_batch(stop, windows, {"logits": 2, "teacher": 1})

    cut_at = cut[:, 0, 0] - 1
    nearest = begins[np.abs(cut_at[:, None] - begins).argmin(axis=1)]
    assert np.abs(targets["teacher"][:, 0] - cut_at).max() <= np.abs(nearest - cut_at).max() + 1


def test_stop_clips_are_whole_groups_of_about_the_share() -> None:
    groups = [f"g{i // 3}" for i in range(120)]

    chosen = drawn(groups, 0.1)

    assert chosen.sum() == 12
    for group in set(groups):
        members = chosen[[i for i, g in enumerate(groups) if g == group]]
        assert members.all() or not members.any()


def test_other_seeds_choose_other_stop_groups() -> None:
    groups = [f"g{i}" for i in range(50)]
    assert not np.array_equal(drawn(groups, 0.1, seed=1), drawn(groups, 0.1, seed=2))


def test_a_group_larger_than_the_share_is_never_stopped_on() -> None:
    groups = ["large"] * 80 + [f"g{i}" for i in range(20)]
    for seed in range(10):
        chosen = drawn(groups, 0.1, seed)
        assert not chosen[:80].any()
        assert chosen.any()


def test_where_all_groups_are_large_the_smallest_is_stopped_on() -> None:
    groups = ["a"] * 30 + ["b"] * 20 + ["c"] * 25
    np.testing.assert_array_equal(drawn(groups, 0.1), [group == "b" for group in groups])


def test_of_a_single_group_some_clips_are_stopped_on() -> None:
    assert drawn(["only"] * 50, 0.1).sum() == 5
    assert drawn(["only"] * 3, 0.1).sum() == 1


def test_copies_are_not_stopped_on() -> None:
    grids = [np.zeros((4, 2), np.float16), np.ones((4, 2), np.float16)]
    item = Item("g", UNLABELLED, grids, np.zeros((0, 0), np.float32), 1.0, companion=3)

    clean = stopping._clean(item)

    assert len(clean.grids) == 1
    assert not clean.grids[0].any()
    assert vars(replace(clean, grids=grids)) == vars(item)
