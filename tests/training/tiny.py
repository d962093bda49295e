"""Recipes like the real ones, but with networks that train in a second."""

from collections.abc import Sequence
from dataclasses import fields, replace
from importlib.util import find_spec

import keras
import numpy as np
import pytest
from keras import layers
from numpy.random import Generator

from service.inference.features import FeatureSpec, Grid
from service.inference.windows import WindowSpec
from training.data.labels import QUALITIES, UNLABELLED
from training.data.splits import group_fold_plan
from training.fitting.batches import Examples
from training.networks.architectures import chord_net, embedding_net
from training.networks.context import OUTPUTS, ContextRecipe
from training.recipes import CHORD, EMOTION, GENRE, GENRE_PICTURES, Recipe
from training.recipes.fit_settings import FitSettings
from training.recipes.recipe import Rendering

FIT = FitSettings(
    epochs=2, batches_per_epoch=3, batch_size=8, peak_learning_rate=3e-3, weight_decay=1e-3
)
TOY_FRAMES, TOY_BANDS = 8, 6
TOY_UNITS = 9
N_RENDERED = 40

needs_musicnn = pytest.mark.skipif(
    find_spec("musicnn") is None, reason="the package musicnn is not installed"
)


def averaging_net(
    frames: int, bands: int, labels: int, *, companions: int = 0, teacher_targets: int = 0
) -> keras.Model:
    """Build a linear network on the mean level of each band."""
    window = keras.Input((frames, bands), name="window")
    x = layers.GlobalAveragePooling1D()(window)
    outputs = {"logits": layers.Dense(labels, name="logits")(x)}
    for name, size in (("companion", companions), ("teacher", teacher_targets)):
        if size:
            outputs[name] = layers.Dense(size, name=name)(x)
    return keras.Model(window, outputs, name="averaging_net")


def tiny_chord_net(_: int) -> keras.Model:
    """Build the chord network with few channels."""
    frames, bands = CHORD.inputs.windows.frames, CHORD.inputs.features.bands
    return chord_net(frames, bands, len(QUALITIES), width=4)


def linear_chord_net(_: int) -> keras.Model:
    """Build a network for the windows of the chord recipe in a moment."""
    frames, bands = CHORD.inputs.windows.frames, CHORD.inputs.features.bands
    return averaging_net(frames, bands, len(CHORD.labels))


def tiny_genre_net(teacher_targets: int) -> keras.Model:
    """Build a network for the windows of the genre recipe."""
    frames, bands = GENRE.inputs.windows.frames, GENRE.inputs.features.bands
    return averaging_net(frames, bands, len(GENRE.labels), teacher_targets=teacher_targets)


def tiny_pictures_net(_: int) -> keras.Model:
    """Build a network for the windows of the pictures' recipe."""
    frames, bands = GENRE_PICTURES.inputs.windows.frames, GENRE_PICTURES.inputs.features.bands
    return averaging_net(frames, bands, len(GENRE_PICTURES.labels))


def toy_net(teacher_targets: int) -> keras.Model:
    """Build a network for :func:`toy_examples`."""
    return averaging_net(TOY_FRAMES, TOY_BANDS, 2, teacher_targets=teacher_targets)


def toy_backbone() -> keras.Model:
    """Build a network that hears the mean level of each band and some mixtures of them."""
    window = keras.Input((TOY_FRAMES, TOY_BANDS), name="window")
    x = layers.GlobalAveragePooling1D()(window)
    made_up = keras.initializers.RandomNormal(seed=1)
    mixed = layers.Dense(TOY_UNITS - TOY_BANDS, kernel_initializer=made_up, name="mixed")(x)
    backbone = keras.Model(window, layers.Concatenate()([x, mixed]), name="toy_backbone")
    backbone.trainable = False
    return backbone


def unchanged(window: Grid, label: int, _: Generator) -> tuple[Grid, int]:
    """Augment nothing."""
    return window, label


def noisy(window: Grid, label: int, rng: Generator) -> tuple[Grid, int]:
    """Add a random level to each frame and band."""
    return window + np.float32(0.05) * rng.standard_normal(window.shape, np.float32), label


def few(rendering: Rendering | None) -> Rendering:
    """Return how the same sounds are rendered, a few of them."""
    assert rendering is not None
    return replace(rendering, count=N_RENDERED)


def varied(recipe: Recipe, **changes: object) -> Recipe:
    """Return a recipe with other fields, each in the group that it belongs to."""
    for name in ("inputs", "validation", "supplement", "serving"):
        group = getattr(recipe, name)
        within = {field.name for field in fields(group)} & changes.keys() if group else set()
        if within:
            altered = {field: changes.pop(field) for field in within}
            changes[name] = replace(group, **altered)
    return replace(recipe, **changes)  # type: ignore[arg-type]


TINY_CHORD = varied(
    CHORD,
    build=tiny_chord_net,
    fit=FIT,
    degraded_copies=1,
    short_copies=0,
    rendering=few(CHORD.supplement.rendering),
)
# Where it does not matter which network learns.
LINEAR_CHORD = varied(TINY_CHORD, build=linear_chord_net, finish=None)
# No backbone and no teacher, whose package need not be there.
TINY_GENRE = varied(
    GENRE, build=tiny_genre_net, backbone=None, fit=FIT, rendering=few(GENRE.supplement.rendering)
)
TINY_PICTURES = varied(GENRE_PICTURES, build=tiny_pictures_net, fit=FIT, teacher=False)
TOY = varied(
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
    backbone=None,
    augment=unchanged,
    fit=replace(FIT, epochs=3, batches_per_epoch=10, peak_learning_rate=0.1),
    folds=lambda clips: group_fold_plan(clips, n_folds=2, split=None, seed=0),
    further=(),
    companion=None,
    context=None,
    outside=(),
    rendering=None,
)
TOY_ON_TOP = varied(
    TOY,
    build=lambda _: embedding_net(TOY_UNITS, 2, 0, hidden_units=8, dropout=0.0),
    backbone=toy_backbone,
    fit=replace(TOY.fit, batches_per_epoch=12, peak_learning_rate=0.03),
)
TOY_TOLD = varied(
    TOY_ON_TOP,
    build=lambda _: embedding_net(TOY_UNITS + OUTPUTS, 2, 0, hidden_units=8, dropout=0.0),
    context=ContextRecipe("chord", stride_frames=20),
)


def toy_examples(labels: Sequence[int], *, seed: int = 0, teacher_targets: int = 0) -> Examples:
    """Return clips of which those with label 0 are louder in the lower bands, 1 in the upper.

    The teacher's targets are the mean levels of the first bands.
    """
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
        companions=[UNLABELLED] * len(labels),
        weights=np.ones(len(labels)),
        teacher=[
            comment.astype(np.float32) if teacher_targets else nothing for comment in comments
        ],
    )


def with_fit(recipe: Recipe, **changes: object) -> Recipe:
    """Return a recipe with other settings of its training."""
    return replace(recipe, fit=replace(recipe.fit, **changes))  # type: ignore[arg-type]
