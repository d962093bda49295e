"""Genre from the spectrogram pictures of the Kaggle GTZAN set."""

from numpy.random import Generator

from service.inference.features import Grid
from service.inference.windows import WindowSpec
from training.augmentation import alterations
from training.data import labels
from training.data.readers import gtzan_grid
from training.data.splits import no_folds
from training.networks.architectures import listening_net
from training.recipes import weighing
from training.recipes.fit_settings import FitSettings
from training.recipes.recipe import Inputs, Recipe, Serving, Supplement, Validation

_WINDOWS = WindowSpec(frames=112, stride_frames=56, short="repeat")


def _augment(window: Grid, label: int, rng: Generator) -> tuple[Grid, int]:
    window = alterations.shift_bands(window, int(rng.integers(-3, 4)))
    window = alterations.tilt(window, rng, most=0.12)
    window = alterations.mask(window, rng, most=16)
    return alterations.limit_band(window, rng, lowest=90), label


GENRE_PICTURES = Recipe(
    name="genre_pictures",
    task="genre",
    version="1.0.0",
    summary="One of ten genres, from the spectrogram pictures of the Kaggle GTZAN set.",
    not_for=("serving: a picture holds a quarter of the frames and half of the range of levels",),
    inputs=Inputs(gtzan_grid.SPEC, _WINDOWS),
    build=lambda teacher_targets: listening_net(
        _WINDOWS.frames,
        gtzan_grid.SPEC.bands,
        len(labels.GENRES),
        len(labels.EMOTIONS),
        teacher_targets=teacher_targets,
    ),
    augment=_augment,
    weigh=weighing.by_label,
    fit=FitSettings(
        epochs=45,
        batches_per_epoch=60,
        batch_size=32,
        peak_learning_rate=2e-3,
        weight_decay=1e-2,
        mixup_alpha=0.4,
        mixup_share=0.5,
        teacher_weight=2.0,
        patience=45,
        warm_up_batches=200,
    ),
    validation=Validation(
        folds=no_folds, protocol="none", held_back=("valid", "test"), left_out=("faulty",)
    ),
    supplement=Supplement(further=("genre", "emotion"), companion="emotion", teacher=True),
    serving=Serving("genre/pictures"),
)
