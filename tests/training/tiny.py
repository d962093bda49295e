"""Recipes like the real ones, but with networks that train in a second."""

from collections.abc import Sequence
from dataclasses import replace

import keras
import numpy as np
from keras import layers
from numpy.random import Generator

from service.features import FeatureSpec, Grid
from service.windows import WindowSpec
from training.batches import Examples
from training.fit_settings import FitSettings
from training.labels import QUALITIES
from training.networks import chord_net
from training.recipes import CHORD, EMOTION, GENRE, Recipe
from training.splits import group_fold_plan

FIT = FitSettings(
    epochs=2, batches_per_epoch=3, batch_size=8, peak_learning_rate=3e-3, weight_decay=1e-3
)
TOY_FRAMES, TOY_BANDS = 8, 6


def averaging_net(frames: int, bands: int, labels: int, *, teacher_targets: int = 0) -> keras.Model:
    """Build a linear network on the mean level of each band."""
    window = keras.Input((frames, bands), name="window")
    x = layers.GlobalAveragePooling1D()(window)
    outputs = {"logits": layers.Dense(labels, name="logits")(x)}
    if teacher_targets:
        outputs["teacher"] = layers.Dense(teacher_targets, name="teacher")(x)
    return keras.Model(window, outputs, name="averaging_net")


def tiny_chord_net(_: int) -> keras.Model:
    """Build the chord network with few channels."""
    frames, bands = CHORD.windows.frames, CHORD.features.bands
    return chord_net(frames, bands, len(QUALITIES), width=4)


def tiny_genre_net(teacher_targets: int) -> keras.Model:
    """Build a network for the windows of the genre recipe."""
    frames, bands = GENRE.windows.frames, GENRE.features.bands
    return averaging_net(frames, bands, len(GENRE.labels), teacher_targets=teacher_targets)


def toy_net(teacher_targets: int) -> keras.Model:
    """Build a network for :func:`toy_examples`."""
    return averaging_net(TOY_FRAMES, TOY_BANDS, 2, teacher_targets=teacher_targets)


def unchanged(window: Grid, label: int, _: Generator) -> tuple[Grid, int]:
    """Augment nothing."""
    return window, label


TINY_CHORD = replace(CHORD, build=tiny_chord_net, fit=FIT, degraded_copies=1)
TINY_GENRE = replace(GENRE, build=tiny_genre_net, fit=FIT)
TOY = replace(
    EMOTION,
    features=FeatureSpec(
        name="log_mel",
        sample_rate_hz=8_000,
        fft_samples=256,
        hop_samples=128,
        bands=TOY_BANDS,
        spectrum="power",
        range_db=60.0,
    ),
    windows=WindowSpec(frames=TOY_FRAMES, stride_frames=4),
    build=toy_net,
    augment=unchanged,
    fit=replace(FIT, epochs=5, batches_per_epoch=10, peak_learning_rate=0.1),
    folds=lambda clips: group_fold_plan(clips, n_folds=2, split=None, seed=0),
)


def toy_examples(labels: Sequence[int], *, seed: int = 0, teacher_targets: int = 0) -> Examples:
    """Return clips of which those with label 0 are louder in the lower bands, 1 in the upper."""
    rng = np.random.default_rng(seed)
    grids = []
    for label in labels:
        grid = 0.5 * rng.random((20, TOY_BANDS))
        half = TOY_BANDS // 2
        grid[:, label * half : (label + 1) * half] += 0.4
        grids.append(grid.astype(np.float16))
    comments = [grid.mean(axis=0, keepdims=True)[:, :teacher_targets] for grid in grids]
    nothing = np.zeros((0, 0), np.float32)
    return Examples(
        grids=grids,
        labels=labels,
        weights=np.ones(len(labels)),
        teacher=[
            comment.astype(np.float32) if teacher_targets else nothing for comment in comments
        ],
    )


def with_fit(recipe: Recipe, **changes: object) -> Recipe:
    """Return a recipe with other settings of its training."""
    return replace(recipe, fit=replace(recipe.fit, **changes))  # type: ignore[arg-type]
