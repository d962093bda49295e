import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from numpy.random import Generator

from service.inference.features import Grid
from service.inference.windows import cut_windows
from tests.training.fitting.toy import STOP, fit_toy, weights
from tests.training.tiny import TOY, toy_examples, with_fit
from training.evaluation.calibration import negative_log_likelihood
from training.fitting import callbacks
from training.fitting.batches import WindowBatches
from training.fitting.clip_logits import clip_logits
from training.fitting.fit_network import Fitted


def pull_the_plug(monkeypatch: pytest.MonkeyPatch, after_epoch: int) -> None:
    """Let the process be interrupted when an epoch has ended."""
    show = callbacks.ProgressBar.on_epoch_end

    def on_epoch_end(self: Any, epoch: int, logs: dict[str, Any] | None = None) -> None:
        show(self, epoch, logs)
        if epoch == after_epoch:
            raise KeyboardInterrupt

    monkeypatch.setattr(callbacks.ProgressBar, "on_epoch_end", on_epoch_end)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Fitted, Path]:
    """A fit that nothing interrupted, and its backup; neither is to be changed."""
    backup = tmp_path_factory.mktemp("whole")
    return fit_toy(backup), backup


def test_a_small_network_learns_a_separable_problem(whole: tuple[Fitted, Path]) -> None:
    unseen = toy_examples([0, 1] * 20, seed=2)
    fitted, _ = whole

    answers = clip_logits(fitted.network, unseen.grids, TOY).argmax(axis=1)
    np.testing.assert_array_equal(answers, unseen.labels)
    assert fitted.history["loss"][-1] < 0.5 * fitted.history["loss"][0]
    assert fitted.history["val_loss"][-1] < fitted.history["val_loss"][0]


def test_the_same_seed_gives_the_same_network(whole: tuple[Fitted, Path], tmp_path: Path) -> None:
    first = weights(whole[0])

    np.testing.assert_array_equal(weights(fit_toy(tmp_path / "again")), first)
    assert not np.allclose(weights(fit_toy(tmp_path / "other", seed=2)), first)


def test_a_recipe_may_change_a_fitted_network_at_last(
    whole: tuple[Fitted, Path], tmp_path: Path
) -> None:
    def halve(network: keras.Model) -> None:
        network.set_weights([w / 2 for w in network.get_weights()])

    trained, backup = whole
    shutil.copytree(backup, tmp_path / "copy")

    changed = fit_toy(tmp_path / "copy", replace(TOY, finish=halve))

    np.testing.assert_array_equal(weights(changed), weights(trained) / 2)


def test_each_epoch_draws_batches_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[int, int]] = []
    draw = WindowBatches.__getitem__

    def watched(self: WindowBatches, index: int) -> Any:
        asked.append((self.epoch, index))
        return draw(self, index)

    monkeypatch.setattr(WindowBatches, "__getitem__", watched)

    fit_toy(tmp_path, with_fit(TOY, epochs=3, batches_per_epoch=4, patience=None), stop=None)

    # Keras looks at some batches beforehand, to learn their shape.
    assert set(asked) == {(epoch, index) for epoch in range(3) for index in range(4)}
    assert asked[-8:] == [(epoch, index) for epoch in (1, 2) for index in range(4)]


def test_an_interrupted_fit_goes_on_as_if_nothing_had_happened(
    whole: tuple[Fitted, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    undisturbed, _ = whole
    begun: list[int] = []
    follow = callbacks.FollowEpoch.on_epoch_begin

    def on_epoch_begin(self: Any, epoch: int, logs: dict[str, Any] | None = None) -> None:
        begun.append(epoch)
        follow(self, epoch, logs)

    monkeypatch.setattr(callbacks.FollowEpoch, "on_epoch_begin", on_epoch_begin)
    with monkeypatch.context() as plug:
        pull_the_plug(plug, after_epoch=1)
        with pytest.raises(KeyboardInterrupt):
            fit_toy(tmp_path / "torn")
    assert begun == [0, 1]

    resumed = fit_toy(tmp_path / "torn")

    assert begun == [0, 1, 2]
    np.testing.assert_allclose(weights(resumed), weights(undisturbed), atol=1e-6)
    assert resumed.history.keys() == undisturbed.history.keys()
    for name, losses in undisturbed.history.items():
        np.testing.assert_allclose(resumed.history[name], losses, atol=1e-5)


def test_a_batch_that_fails_can_be_tried_again(tmp_path: Path) -> None:
    """Such as when memory or the disk was full in the second epoch."""
    drawn = 0

    def fail_once(window: Grid, label: int, _: Generator) -> tuple[Grid, int]:
        nonlocal drawn
        drawn += 1
        if drawn == 120:  # of 80 windows an epoch
            raise RuntimeError("power cut")
        return window, label

    recipe = with_fit(replace(TOY, augment=fail_once), epochs=2, patience=None)
    with pytest.raises(Exception, match="power cut"):
        fit_toy(tmp_path, recipe, stop=None)

    assert len(fit_toy(tmp_path, recipe, stop=None).history["loss"]) == 2


def test_a_finished_fit_is_not_repeated(
    whole: tuple[Fitted, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    finished, backup = whole
    shutil.copytree(backup, tmp_path / "copy")
    pull_the_plug(monkeypatch, after_epoch=TOY.fit.epochs - 1)

    again = fit_toy(tmp_path / "copy")

    np.testing.assert_array_equal(weights(again), weights(finished))
    assert again.history == finished.history


def worse_every_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each batch pull the network to the wrong answer, so that the first epoch is the best."""
    draw = WindowBatches.__getitem__

    def turned(self: WindowBatches, index: int) -> Any:
        windows, targets, batch_weights = draw(self, index)
        return windows, {"logits": 1 - targets["logits"]}, batch_weights

    monkeypatch.setattr(WindowBatches, "__getitem__", turned)


WORSENING = with_fit(TOY, epochs=30, patience=2)


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Fitted:
    """A fit whose stop clips ended it; not to be changed."""
    with pytest.MonkeyPatch.context() as patch:
        worse_every_epoch(patch)
        return fit_toy(tmp_path_factory.mktemp("stopped"), WORSENING)


def test_training_stops_when_the_stop_clips_no_longer_improve_and_keeps_the_best(
    stopped: Fitted,
) -> None:
    losses = stopped.history["val_loss"]
    # Early stopping begins to look at the fourth epoch.
    assert len(losses) == 6
    windows = np.concatenate(
        [cut_windows(g.astype(np.float32), TOY.inputs.windows) for g in STOP.grids]
    )
    logits = np.asarray(stopped.network(windows)["logits"])
    truth = np.repeat(STOP.labels, len(windows) // len(STOP.labels))
    assert negative_log_likelihood(logits, truth) == pytest.approx(losses[3], rel=1e-3)
    assert losses[5] > 1.05 * losses[3]


def test_without_stop_clips_training_goes_on_to_the_end_and_keeps_the_last_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    worse_every_epoch(monkeypatch)
    recipe = with_fit(TOY, epochs=5, patience=None)

    fitted = fit_toy(tmp_path, recipe, stop=None)

    assert set(fitted.history) == {"loss"}
    assert len(fitted.history["loss"]) == 5
    windows = np.concatenate(
        [cut_windows(g.astype(np.float32), TOY.inputs.windows) for g in STOP.grids]
    )
    logits = np.asarray(fitted.network(windows)["logits"])
    truth = np.repeat(STOP.labels, len(windows) // len(STOP.labels))
    # What it learned in the last epochs is wrong, and it was not sent back to a better one.
    assert (logits.argmax(axis=1) == truth).mean() < 0.5


def test_the_best_epoch_is_still_known_after_an_interruption(
    stopped: Fitted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    worse_every_epoch(monkeypatch)
    with monkeypatch.context() as plug:
        pull_the_plug(plug, after_epoch=4)
        with pytest.raises(KeyboardInterrupt):
            fit_toy(tmp_path, WORSENING)

    resumed = fit_toy(tmp_path, WORSENING)

    assert len(resumed.history["loss"]) == len(stopped.history["loss"])
    np.testing.assert_allclose(weights(resumed), weights(stopped), atol=1e-6)
