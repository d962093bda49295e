"""What a recipe is: everything that is special to the training of one task."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import keras
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from service.inference.card import KindsSpec
from service.inference.features import FeatureSpec
from service.inference.timeline import TimelineSpec
from service.inference.windows import WindowSpec
from training.augmentation.alterations import Augment
from training.data import labels
from training.data.readers import LabelledClip, gtzan_grid
from training.data.scales import Scale
from training.data.splits import Fold
from training.networks.context import ContextRecipe
from training.recipes.fit_settings import FitSettings
from training.synthesis.guitar import Pluck
from training.synthesis.waveform import Waveform


@dataclass(frozen=True)
class Inputs:
    """What the network is given of a clip.

    Attributes
    ----------
    features, windows
        What it sees.
    backbone
        Makes a pretrained network, which stays as it is; what is trained sees its embeddings.
    context
        A finished model that listens to the whole clip as well; needs a backbone.
    kinds
        Kinds of sound that the backbone tells apart, if it does.
    """

    features: FeatureSpec
    windows: WindowSpec
    backbone: Callable[[], keras.Model] | None = None
    context: ContextRecipe | None = None
    kinds: KindsSpec | None = None

    def make_backbone(self) -> keras.Model | None:
        """Return the pretrained network; None for a recipe that trains everything."""
        return None if self.backbone is None else self.backbone()


@dataclass(frozen=True)
class Rendering:
    """Sounds that are rendered for training.

    Attributes
    ----------
    count
        How many.
    render
        Makes one at a sampling rate, with a way to pluck strings, None for the usual one;
        returns its label, None for one that has none of the task's, and the waveform.
    """

    count: int
    render: Callable[[int, Generator, Pluck | None], tuple[str | None, Waveform]]


@dataclass(frozen=True)
class Supplement:
    """What is learned from beside the task's own labels.

    Attributes
    ----------
    further
        Tasks whose lists name further audio to learn from: its labels of the companion task,
        and what the teacher says.
    companion
        Another task, whose labels a second output learns; the two help each other.
    teacher
        Whether to learn from MSD_musicnn as well.
    degraded_copies
        How many distorted, noisy or reverberant copies of each clip to learn from.
    short_copies
        How many short beginnings of each clip to learn from.
    outside
        Tasks whose lists name audio that has none of this task's labels.
    outside_label
        The label for recordings that have none of the others; None to be unsure of them.
    rendering
        Sounds to render.
    share
        Share of outside and rendered sounds among the windows drawn.
    songs_share
        Share of songs among them, where there are songs to learn from; none for recipes that learn
        from none.
    """

    further: tuple[str, ...] = ()
    companion: str | None = None
    teacher: bool = False
    degraded_copies: int = 0
    short_copies: int = 0
    outside: tuple[str, ...] = ()
    outside_label: str | None = None
    rendering: Rendering | None = None
    share: float = 0.0
    songs_share: float = 0.0


@dataclass(frozen=True)
class Validation:
    """On which clips the recipe is measured.

    Attributes
    ----------
    folds
        Which clips to hold out in turn.
    protocol
        The same in words, for the model card.
    held_back
        Official splits that the final network never sees, nor any clip of their groups; it
        is scored on ``valid``.
    left_out
        Splits whose clips are no good, neither to learn from nor to measure on.
    subsets
        Further sets of labels to report figures on.
    """

    folds: Callable[[Sequence[LabelledClip]], list[Fold]]
    protocol: str
    held_back: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    subsets: tuple[tuple[str, frozenset[str]], ...] = ()


@dataclass(frozen=True)
class Serving:
    """How the model is served.

    Attributes
    ----------
    bundle
        Folder of the bundle under ``models``; None for a recipe that is for comparison.
    scales
        What listeners rate, to be answered beside the labels; needs a backbone.
    timeline
        How the service joins windows to segments.
    lab_labels
        The labels as ``.lab`` files spell them.
    """

    bundle: str | None = None
    scales: tuple[Scale, ...] = ()
    timeline: TimelineSpec | None = None
    lab_labels: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Recipe:
    """Everything that is special to a task.

    Attributes
    ----------
    name
        Name of the recipe.
    task
        What it tells.
    version
        Of the model; raise it with every bundle that is shipped.
    summary, not_for
        For the model card.
    inputs
        What the network is given.
    build
        Makes the network; the argument is the number of teacher targets.
    augment
        Changes a training window.
    weigh
        How often each clip is drawn, relative to the others.
    fit
        How to train.
    validation
        On what to measure.
    supplement
        What to learn from beside the labels.
    serving
        How it is served.
    vocabulary
        Labels that come from the data; none where they are those of a known task.
    finish
        Changes a network that has been fitted; None to leave it as it is.
    """

    name: str
    task: str
    version: str
    summary: str
    not_for: tuple[str, ...]
    inputs: Inputs
    build: Callable[[int], keras.Model]
    augment: Augment
    weigh: Callable[[Sequence[LabelledClip]], NDArray[np.float64]]
    fit: FitSettings
    validation: Validation
    supplement: Supplement = Supplement()
    serving: Serving = Serving()
    vocabulary: tuple[str, ...] = ()
    finish: Callable[[keras.Model], None] | None = None

    @property
    def labels(self) -> tuple[str, ...]:
        """The task's labels, in the order of the network's outputs."""
        return self.vocabulary or labels.TASKS[self.task]

    @property
    def reads_pictures(self) -> bool:
        """Whether the features are those of GTZAN's spectrogram pictures."""
        return self.inputs.features == gtzan_grid.SPEC
