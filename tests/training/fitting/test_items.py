from dataclasses import replace

import numpy as np

from training.data.labels import OUTSIDE, UNLABELLED
from training.fitting.items import NO_COMMENT, Item, Material, examples, teacher_moments


def make_item(group: str, label: int = 0, n_copies: int = 0, teacher: float | None = None) -> Item:
    grids = [np.full((4, 2), copy, np.float16) for copy in range(n_copies + 1)]
    comment = NO_COMMENT if teacher is None else np.full((2, 3), teacher, np.float32)
    return Item(group, label, grids, comment, weight=2.0, companion=label + 1)


def test_held_out_groups_take_their_other_clips_with_them() -> None:
    items = [make_item("a"), make_item("b")]
    others = [make_item("a", UNLABELLED), make_item("c", UNLABELLED), make_item("a", OUTSIDE)]
    synthetic = [make_item("synthetic")]
    everything = Material([], items, others, synthetic, [])

    left = everything.without_groups(items, {"a"})

    assert [item.group for item in left] == ["b", "c", "synthetic"]


def test_half_of_the_draws_of_a_clip_are_clean() -> None:
    laid_out = examples([make_item("a", 4, n_copies=2), make_item("b", 1)])

    assert [float(grid[0, 0]) for grid in laid_out.grids] == [0, 1, 2, 0]
    np.testing.assert_allclose(laid_out.weights, [1.0, 0.5, 0.5, 2.0])
    assert laid_out.labels == [4, 4, 4, 1]
    assert laid_out.companions == [5, 5, 5, 2]


def test_targets_of_the_teacher_are_laid_out_as_it_told_them() -> None:
    items = [make_item("a", n_copies=1, teacher=10.0), make_item("b", teacher=30.0)]
    told = examples(items).teacher
    assert [comment[0, 0] for comment in told] == [10, 10, 30]


def test_the_moments_of_the_teachers_targets_are_over_all_stretches() -> None:
    items = [make_item("a", teacher=10.0), make_item("b"), make_item("c", teacher=30.0)]
    np.testing.assert_allclose(teacher_moments(items), [[20, 20, 20], [10, 10, 10]])


def test_a_teacher_that_says_nothing_has_no_targets() -> None:
    silent = replace(make_item("a"), teacher=np.zeros((0, 3), np.float32))
    assert teacher_moments([silent, make_item("b")]).shape == (2, 0)
