"""Train a recipe's network for a short while, again and again, to see how it would do."""

from collections.abc import Sequence
from dataclasses import replace

import keras
import numpy as np
from numpy.typing import NDArray

from training.fitting.batches import WindowBatches
from training.fitting.clip_logits import logits_of
from training.fitting.first_step import make_variables
from training.fitting.items import Item, examples, teacher_moments
from training.fitting.losses import compile_network
from training.recipes import Recipe
from training.recipes.fit_settings import FitSettings

# How often each window is seen: a head on a pretrained network has learned by then nearly all
# that it will.
PASSES = 3
FEWEST_BATCHES = 60


class Rehearsal:
    """One network, compiled once, that begins anew with each training.

    Parameters
    ----------
    recipe
        Of what is trained.
    items
        All that is learned from, of which each training leaves some out.
    seed
        Seed of weights, batches and augmentation.
    """

    def __init__(self, recipe: Recipe, items: Sequence[Item], seed: int) -> None:
        self._recipe, self._seed = recipe, seed
        moments = teacher_moments(items)
        self._settings = short(recipe.fit, items)
        keras.utils.set_random_seed(seed)
        self._network = recipe.build(moments.shape[1])
        compile_network(self._network, self._settings, moments)
        make_variables(self._network)
        self._at_first = [
            (variable, np.asarray(variable).copy())  # not a view of what is trained
            for variable in (*self._network.weights, *self._network.optimizer.variables)
        ]

    def logits(self, learned: Sequence[Item], judged: Sequence[Item]) -> NDArray[np.float32]:
        """Train on some items; return what the network then says of others, [clips, labels]."""
        for variable, value in self._at_first:
            variable.assign(value)
        batches = WindowBatches(
            examples(learned),
            self._settings,
            outputs={name: tensor.shape[-1] for name, tensor in self._network.output.items()},
            windows=self._recipe.inputs.windows,
            augment=self._recipe.augment,
            seed=self._seed,
        )
        self._network.fit(batches, shuffle=False, verbose=0)
        grids = [item.grids[0] for item in judged]
        return logits_of(
            lambda cut: np.asarray(self._network(cut, training=False)["logits"]),
            grids,
            self._recipe,
        )


def short(settings: FitSettings, items: Sequence[Item]) -> FitSettings:
    """Return the settings of one epoch that sees each window a few times, if that is shorter."""
    windows = sum(len(grid) for item in items for grid in item.grids)
    wanted = max(FEWEST_BATCHES, PASSES * windows // settings.batch_size)
    most = settings.epochs * settings.batches_per_epoch
    return replace(settings, epochs=1, batches_per_epoch=min(wanted, most), patience=None)
