from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from tests.training.fitting.toy import STOP, TRAIN, fit_toy
from tests.training.tiny import TOY, TOY_BANDS, TOY_FRAMES, averaging_net, toy_examples, with_fit
from training.data.labels import OUTSIDE, UNLABELLED
from training.fitting.batches import Examples
from training.fitting.clip_logits import clip_logits


def test_clips_without_a_label_can_be_learned_from_and_stopped_on(tmp_path: Path) -> None:
    labelled = toy_examples([0, 1] * 4, teacher_targets=2)
    unlabelled = replace(labelled, labels=[UNLABELLED] * 8)

    fitted = fit_toy(
        tmp_path,
        with_fit(TOY, epochs=2),
        train=unlabelled,
        stop=unlabelled,
        teacher_moments=np.array([[0.4] * 2, [1] * 2], np.float32),
    )

    assert fitted.history["logits_loss"] == [0.0, 0.0]
    assert fitted.history["val_teacher_loss"][-1] > 0


def test_a_companion_task_and_a_teacher_are_learned_from_beside_the_labels(tmp_path: Path) -> None:
    """The companion's labels are those of the task, turned around."""

    def taught(labels: Sequence[int], seed: int) -> Examples:
        examples = toy_examples(labels, seed=seed, teacher_targets=3)
        return replace(examples, companions=[1 - label for label in labels])

    recipe = replace(
        TOY,
        build=lambda n: averaging_net(TOY_FRAMES, TOY_BANDS, 2, companions=2, teacher_targets=n),
    )
    train = taught([0, 1] * 10, 0)

    fitted = fit_toy(
        tmp_path,
        with_fit(recipe, epochs=5),
        train=train,
        stop=taught([0, 1] * 3, 1),
        teacher_moments=np.array([[0.4] * 3, [0.2] * 3], np.float32),
    )

    for loss in ("logits_loss", "companion_loss", "teacher_loss"):
        assert fitted.history[loss][-1] < 0.5 * fitted.history[loss][0]
    windows = np.stack([grid[:TOY_FRAMES].astype(np.float32) for grid in train.grids])
    answers = np.asarray(fitted.network(windows)["companion"]).argmax(axis=1)
    np.testing.assert_array_equal(answers, train.companions)


def test_on_clips_outside_of_all_labels_none_becomes_likelier(tmp_path: Path) -> None:
    """Of two kinds of clips, those that sound in the upper bands are outside."""
    train = replace(TRAIN, labels=[0 if label == 0 else OUTSIDE for label in TRAIN.labels])
    stop = replace(STOP, labels=[0 if label == 0 else OUTSIDE for label in STOP.labels])

    fitted = fit_toy(tmp_path, with_fit(TOY, epochs=10, batch_size=16), train=train, stop=stop)

    logits = clip_logits(fitted.network, TRAIN.grids, TOY)
    likelier = logits[:, 0] - logits[:, 1]
    outside = np.array(train.labels) == OUTSIDE
    assert likelier[~outside].mean() > 2
    assert abs(likelier[outside].mean()) < 1
