"""The systems that are compared: which network on which features, how they are trained.

To add one, add its features to :data:`training.comparison.features.FEATURES` (unless they are
there) and its builder, with the features that it wants, to ``MODELS``; the command line lists the
names once more. A clip's answer is the mean of its windows' logits.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import keras

from training.comparison import networks
from training.comparison.features import FEATURES, PICTURES, Features
from training.errors import TrainingError
from training.networks.architectures import embedding_net, linear_net, statistics_net
from training.recipes import EMOTION, GENRE, Recipe
from training.recipes.fit_settings import LINEAR, NETWORK, FitSettings
from training.recipes.recipe import Inputs, Serving, Supplement

TASKS = {recipe.task: recipe for recipe in (GENRE, EMOTION)}

FIT = FitSettings(
    epochs=20,
    batches_per_epoch=30,
    batch_size=32,
    peak_learning_rate=2e-3,
    weight_decay=1e-2,
    mixup_alpha=0.4,
    mixup_share=0.5,
    patience=6,
)


@dataclass(frozen=True)
class Model:
    """A kind of network.

    Attributes
    ----------
    build
        Makes it for some features and a number of labels.
    features
        Names of the features on which it makes sense.
    fit
        How it is trained.
    """

    build: Callable[[Features, int], keras.Model]
    features: tuple[str, ...]
    fit: FitSettings = FIT


@dataclass(frozen=True)
class System:
    """One row of the comparison, by the names of its model and features."""

    model: str
    features: str

    @property
    def name(self) -> str:
        """Name for folders and plots."""
        return f"{self.model}-{self.features}"

    @property
    def sees_pictures(self) -> bool:
        """Whether it learns from the GTZAN pictures rather than from audio."""
        return self.features == PICTURES

    @property
    def asks_teachers(self) -> bool:
        """Whether it stands on what the listener's teachers hear."""
        return FEATURES[self.features].asks_teachers

    def recipe(self, task: str) -> Recipe:
        """Return how the system is trained for a task, from labels alone."""
        model, features = MODELS[self.model], FEATURES[self.features]
        n_labels = len(TASKS[task].labels)
        return replace(
            TASKS[task],
            name=f"{task} {self.name}",
            inputs=Inputs(features.spec, features.windows, features.backbone),
            build=lambda _: model.build(features, n_labels),
            finish=None,
            augment=features.augment,
            fit=model.fit,
            supplement=Supplement(),
            serving=Serving(),
        )


def choose(
    task: str, models: Sequence[str], features: Sequence[str], *, ask_teachers: bool = True
) -> list[System]:
    """Return the sensible pairs of the named models and features; no name stands for all.

    Parameters
    ----------
    task
        Which may have systems of its own.
    models, features
        Their names.
    ask_teachers
        Whether features that ask teachers are among all; if they are named, they always are.

    Raises
    ------
    TrainingError
        None of the pairs makes sense.
    """
    sensible = [
        System(model, name)
        for model, kind in MODELS.items()
        for name in kind.features
        if name != PICTURES or task == GENRE.task
    ]
    chosen = [
        system
        for system in sensible
        if (not models or system.model in models)
        and (system.features in features if features else ask_teachers or not system.asks_teachers)
    ]
    if not chosen:
        pairs = ", ".join(f"{s.model} on {s.features}" for s in sensible)
        raise TrainingError(f"No such system for {task}. These pairs make sense: {pairs}.")
    return chosen


def _on_frames(build: Callable[..., keras.Model]) -> Callable[[Features, int], keras.Model]:
    def of_features(features: Features, labels: int) -> keras.Model:
        return build(
            features.windows.frames,
            features.spec.bands,
            labels,
            coefficients=features.coefficients,
        )

    return of_features


MODELS = {
    "mlp": Model(
        lambda features, labels: statistics_net(features.spec.bands, labels), ("handcrafted",)
    ),
    "cnn": Model(_on_frames(networks.cnn), ("log_mel", "mfcc", "stft", "chroma", PICTURES)),
    "lstm": Model(_on_frames(networks.lstm), ("log_mel", "mfcc")),
    "cnn_lstm": Model(_on_frames(networks.cnn_lstm), ("log_mel", "mfcc")),
    "transfer": Model(
        lambda features, labels: embedding_net(features.units or features.spec.bands, labels, 0),
        ("musicnn", "listener", "mn04", "both_teachers"),
        replace(GENRE.fit, head=NETWORK),
    ),
    "linear": Model(
        lambda features, labels: linear_net(features.units, labels),
        ("musicnn", "listener"),
        replace(GENRE.fit, head=LINEAR),
    ),
}
