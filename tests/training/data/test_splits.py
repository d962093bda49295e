from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest

from tests.training.made import make_clip
from training.data.labels import GENRES
from training.data.readers import LabelledClip
from training.data.splits import (
    SMALL_DATA_SETS,
    Fold,
    group_fold_plan,
    group_folds,
    leave_one_data_set_out,
    measurable_folds,
    no_folds,
)


def train_of(fold: Fold, clips: Sequence[LabelledClip]) -> list[int]:
    return [i for i, clip in enumerate(clips) if clip.group not in fold.groups]


def many_clips(n_groups: int = 80, seed: int = 0) -> list[LabelledClip]:
    """Artists with 1 to 6 clips, most of them of one genre."""
    rng = np.random.default_rng(seed)
    clips = []
    for artist in range(n_groups):
        genre = GENRES[artist % 5]
        for _ in range(int(rng.integers(1, 7))):
            label = genre if rng.random() < 0.9 else GENRES[0]
            data_set = f"set-{artist % 3}"
            split = "train" if artist % 4 == 0 else "extra"
            clips.append(make_clip(label, f"artist-{artist}", data_set=data_set, split=split))
    return clips


def assert_no_group_on_two_sides(clips: list[LabelledClip], fold: Fold) -> None:
    groups = [{clips[i].group for i in side} for side in (train_of(fold, clips), fold.test)]
    assert not groups[0] & groups[1]


def test_no_group_is_in_two_folds() -> None:
    clips = many_clips()
    fold_of = group_folds(clips, 4, seed=1)

    folds_by_group: dict[str, set[int]] = {}
    for clip, fold in zip(clips, fold_of, strict=True):
        folds_by_group.setdefault(clip.group, set()).add(fold)
    assert all(len(folds) == 1 for folds in folds_by_group.values())
    assert set(fold_of) == {0, 1, 2, 3}


def test_folds_are_of_about_the_same_size_and_mix_of_labels() -> None:
    clips = many_clips()
    fold_of = group_folds(clips, 4, seed=1)

    sizes = Counter(fold_of)
    assert max(sizes.values()) < 1.25 * min(sizes.values())
    for label, total in Counter(clip.label for clip in clips).items():
        in_fold = Counter(f for c, f in zip(clips, fold_of, strict=True) if c.label == label)
        for fold in range(4):
            assert in_fold[fold] == pytest.approx(total / 4, rel=0.5)


def test_one_large_group_does_not_draw_others_to_its_fold() -> None:
    clips = [make_clip(group="prolific")] * 50
    clips += [make_clip(group=f"artist-{i}") for i in range(50)]

    fold_of = group_folds(clips, 2, seed=0)

    assert Counter(fold_of) == {0: 50, 1: 50}


def test_the_seed_decides_the_folds() -> None:
    clips = many_clips()
    assert group_folds(clips, 4, seed=1) == group_folds(clips, 4, seed=1)
    assert group_folds(clips, 4, seed=1) != group_folds(clips, 4, seed=2)


def test_the_order_of_the_groups_does_not_matter() -> None:
    clips = many_clips()
    fold_of = group_folds(clips, 3, seed=1)
    backwards = group_folds(clips[::-1], 3, seed=1)
    assert backwards[::-1] == fold_of


def test_a_group_plan_holds_every_clip_out_once() -> None:
    clips = many_clips()
    plan = group_fold_plan(clips, n_folds=4, split=None, seed=0)

    assert sorted(i for fold in plan for i in fold.test) == list(range(len(clips)))
    for fold in plan:
        assert_no_group_on_two_sides(clips, fold)
        assert len(train_of(fold, clips)) + len(fold.test) == len(clips)


def test_a_group_plan_of_one_split_trains_on_the_others_too() -> None:
    clips = many_clips()
    plan = group_fold_plan(clips, n_folds=4, split="extra", seed=0)

    extra = {i for i, clip in enumerate(clips) if clip.split == "extra"}
    assert {i for fold in plan for i in fold.test} == extra
    for fold in plan:
        assert_no_group_on_two_sides(clips, fold)
        assert any(clips[i].split == "train" for i in train_of(fold, clips))


def test_a_group_of_two_splits_is_not_trained_on_while_it_is_held_out() -> None:
    clips = [make_clip(group=f"g{i}") for i in range(6)]
    clips += [make_clip(group=f"g{i}", split="train") for i in range(6)]

    for fold in group_fold_plan(clips, n_folds=2, split="extra", seed=0):
        assert_no_group_on_two_sides(clips, fold)


def test_a_plan_has_no_fold_without_clips() -> None:
    trained_only = [make_clip(group=f"g{i}", split="train") for i in range(6)]
    two_groups = [make_clip(group=f"g{i % 2}") for i in range(6)]

    assert group_fold_plan(trained_only, n_folds=4, split="extra", seed=0) == []
    plan = group_fold_plan(two_groups, n_folds=4, split="extra", seed=0)
    assert [len(fold.test) for fold in plan] == [3, 3]


def test_names_of_folds_differ() -> None:
    plan = group_fold_plan(many_clips(), n_folds=4, split=None, seed=0)
    assert len({fold.name for fold in plan}) == 4


def test_each_data_set_is_held_out_once_by_its_name() -> None:
    clips = many_clips()
    plan = leave_one_data_set_out(clips)

    assert [fold.name for fold in plan] == ["set-0", "set-1", "set-2"]
    for fold in plan:
        assert {clips[i].data_set for i in fold.test} == {fold.name}
        assert fold.name not in {clips[i].data_set for i in train_of(fold, clips)}
        assert_no_group_on_two_sides(clips, fold)
    assert sorted(i for fold in plan for i in fold.test) == list(range(len(clips)))


def test_small_data_sets_are_held_out_together_beside_others() -> None:
    sizes = {"large": 5, "small": 2, "tiny": 1}
    clips = [
        make_clip(group=f"{name}-{n}", data_set=name)
        for name, size in sizes.items()
        for n in range(size)
    ]

    plan = leave_one_data_set_out(clips, least_clips=3)
    held_out = {fold.name: {clips[i].data_set for i in fold.test} for fold in plan}
    assert held_out == {"large": {"large"}, SMALL_DATA_SETS: {"small", "tiny"}}
    assert all(train_of(fold, clips) for fold in plan)

    for alone in (2, 6):
        plan = leave_one_data_set_out(clips, least_clips=alone)
        assert [fold.name for fold in plan] == ["large", "small", "tiny"]


def test_an_artist_of_two_data_sets_is_not_trained_on_when_either_is_held_out() -> None:
    clips = [
        make_clip(group="both", data_set="a"),
        make_clip(group="both", data_set="b"),
        make_clip(group="only b", data_set="b"),
    ]
    plan = {fold.name: fold for fold in leave_one_data_set_out(clips)}

    assert train_of(plan["a"], clips) == [2]
    assert train_of(plan["b"], clips) == []


def test_a_plan_may_hold_nothing_out() -> None:
    assert no_folds(many_clips()) == []


def test_a_single_data_set_is_split_by_its_groups() -> None:
    clips = [make_clip("C", f"player-{n % 7}", data_set="one") for n in range(30)]

    plan = leave_one_data_set_out(clips)

    assert len(plan) == 5
    for fold in plan:
        assert_no_group_on_two_sides(clips, fold)
        assert train_of(fold, clips)


def test_each_label_is_held_out_as_often_as_the_rarest_has_groups() -> None:
    clips = [
        *(make_clip("calm", f"calm-{i}") for i in range(9)),
        *(make_clip("angry", f"angry-{i}") for i in range(3)),
    ]
    folds = measurable_folds(clips)
    assert len(folds) == 3
    assert sorted(i for fold in folds for i in fold.test) == list(range(12))
    assert all({clips[i].label for i in fold.test} == {"calm", "angry"} for fold in folds)


def test_a_label_of_one_group_is_always_learned_from() -> None:
    clips = [make_clip(label, f"{label}-{i}") for label in ("calm", "angry") for i in range(2)]
    alone = [make_clip("tense", "one"), make_clip("tense", "one")]
    folds = measurable_folds([*clips, *alone])
    assert sorted(i for fold in folds for i in fold.test) == [0, 1, 2, 3]


def test_what_cannot_be_measured_has_no_fold() -> None:
    several = [make_clip("calm", f"calm-{i}") for i in range(4)]
    assert measurable_folds([*several, make_clip("angry", "one")]) == []
