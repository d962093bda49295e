"""Genre from the hand-crafted features of the Kaggle GTZAN set, for comparison."""

import numpy as np
from numpy.random import Generator

from service.inference.features import Grid
from service.inference.windows import WindowSpec
from training.data import labels
from training.data.readers import statistics
from training.data.splits import no_folds
from training.networks.architectures import statistics_net
from training.recipes import weighing
from training.recipes.fit_settings import FitSettings
from training.recipes.recipe import Inputs, Recipe, Validation


def _augment(window: Grid, label: int, rng: Generator) -> tuple[Grid, int]:
    return window + np.float32(0.05) * rng.standard_normal(window.shape, np.float32), label


GENRE_STATISTICS = Recipe(
    name="genre_statistics",
    task="genre",
    version="1.0.0",
    summary="One of ten genres, from the hand-crafted features of the Kaggle GTZAN set.",
    not_for=("serving: the service does not compute these features",),
    inputs=Inputs(statistics.SPEC, WindowSpec(frames=1, stride_frames=1, short="silence")),
    build=lambda _: statistics_net(statistics.N_FEATURES, len(labels.GENRES)),
    augment=_augment,
    weigh=weighing.by_label,
    fit=FitSettings(
        epochs=60,
        batches_per_epoch=30,
        batch_size=32,
        peak_learning_rate=2e-3,
        weight_decay=1e-2,
        label_smoothing=0.1,
        patience=20,
    ),
    validation=Validation(
        folds=no_folds, protocol="none", held_back=("valid", "test"), left_out=("faulty",)
    ),
)
