"""How each task is trained: features, windows, network, augmentation, validation.

This is the one place where the numbers of the shipped models stand.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import keras
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from service.inference.features import FeatureSpec, Grid
from service.inference.timeline import TimelineSpec
from service.inference.windows import WindowSpec
from training.augmentation import alterations
from training.augmentation.alterations import Augment
from training.data import labels
from training.data.labels import OUTSIDE, UNLABELLED
from training.data.readers import LabelledClip, gtzan_grid, statistics
from training.data.scales import ENERGY, Scale
from training.data.splits import Fold, group_fold_plan, leave_one_data_set_out, no_folds
from training.networks import musicnn
from training.networks.architectures import chord_net, embedding_net, listening_net, statistics_net
from training.networks.context import OUTPUTS as CONTEXT_OUTPUTS
from training.networks.context import ContextRecipe
from training.recipes.fit_settings import FitSettings
from training.synthesis.sounds import (
    INTERVALS,
    Pluck,
    Waveform,
    accompany,
    render_chord,
    render_no_chord,
    render_no_music,
)

TRANSPOSE_DOWN, TRANSPOSE_UP = 5, 6
CHORD_DURATION_S = 2.2
SHORTEST_CHORD_FRAMES = 5
NO_CHORD_SHARE = 0.16
ACCOMPANIED_SHARE = 0.25
NO_MUSIC_DURATION_S = 3.5


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
    features, windows
        What the network sees.
    build
        Makes the network; the argument is the number of teacher targets.
    backbone
        Makes a pretrained network, which stays as it is; what is trained sees its embeddings.
    augment
        Changes a training window.
    fit
        How to train.
    folds
        Which clips to hold out in turn to measure the recipe.
    protocol
        The same in words, for the model card.
    held_back
        Official splits that the final network never sees, nor any clip of their groups; it
        is scored on ``valid``.
    left_out
        Splits whose clips are no good, neither to learn from nor to measure on.
    bundle
        Folder of the bundle under ``models``; None for a recipe that is for comparison.
    further
        Tasks whose lists name further audio to learn from: its labels of the companion task,
        and what the teacher says.
    companion
        Another task, whose labels a second output learns; the two help each other.
    teacher
        Whether to learn from MSD_musicnn as well.
    degraded_copies
        How many distorted, noisy or reverberant copies of each clip to learn from.
    outside
        Tasks whose lists name audio that has none of this task's labels.
    outside_label
        The label for recordings that have none of the others; None to be unsure of them.
    rendering
        Sounds to render.
    beside_share
        Share of outside and rendered sounds among the windows drawn.
    subsets
        Further sets of labels to report figures on.
    context
        A finished model that listens to the whole clip as well; needs a backbone.
    scales
        What listeners rate, to be answered beside the labels; needs a backbone.
    timeline
        How the service joins windows to segments.
    lab_labels
        The labels as ``.lab`` files spell them.
    """

    name: str
    task: str
    version: str
    summary: str
    not_for: tuple[str, ...]
    features: FeatureSpec
    windows: WindowSpec
    build: Callable[[int], keras.Model]
    augment: Augment
    fit: FitSettings
    folds: Callable[[Sequence[LabelledClip]], list[Fold]]
    protocol: str
    weigh: Callable[[Sequence[LabelledClip]], NDArray[np.float64]]
    held_back: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    backbone: Callable[[], keras.Model] | None = None
    bundle: str | None = None
    further: tuple[str, ...] = ()
    companion: str | None = None
    teacher: bool = False
    degraded_copies: int = 0
    outside: tuple[str, ...] = ()
    outside_label: str | None = None
    rendering: Rendering | None = None
    beside_share: float = 0.0
    subsets: tuple[tuple[str, frozenset[str]], ...] = ()
    context: ContextRecipe | None = None
    scales: tuple[Scale, ...] = ()
    timeline: TimelineSpec | None = None
    lab_labels: tuple[str, ...] | None = None

    @property
    def labels(self) -> tuple[str, ...]:
        """The task's labels, in the order of the network's outputs."""
        return labels.TASKS[self.task]

    @property
    def reads_pictures(self) -> bool:
        """Whether the features are those of GTZAN's spectrogram pictures."""
        return self.features == gtzan_grid.SPEC


def _augment_music(window: Grid, label: int, rng: Generator) -> tuple[Grid, int]:
    window = alterations.shift_bands(window, int(rng.integers(-2, 3)))
    window = alterations.tilt(window, rng, most=0.06)
    window = alterations.mask(window, rng, most=16)
    window = alterations.drown(window, rng, most=0.4)
    return alterations.limit_band(window, rng, lowest=66), label


def _augment_picture(window: Grid, label: int, rng: Generator) -> tuple[Grid, int]:
    window = alterations.shift_bands(window, int(rng.integers(-3, 4)))
    window = alterations.tilt(window, rng, most=0.12)
    window = alterations.mask(window, rng, most=16)
    return alterations.limit_band(window, rng, lowest=90), label


def _augment_statistics(window: Grid, label: int, rng: Generator) -> tuple[Grid, int]:
    return window + np.float32(0.05) * rng.standard_normal(window.shape, np.float32), label


def _augment_chord(window: Grid, label: int, rng: Generator) -> tuple[Grid, int]:
    semitones = int(rng.integers(-TRANSPOSE_DOWN, TRANSPOSE_UP + 1))
    window = alterations.cut_short(window, rng, shortest=SHORTEST_CHORD_FRAMES)
    window = alterations.delay(window, rng)
    window = alterations.shift_bands(window, 3 * semitones)
    window = alterations.detune(window, rng)
    window = alterations.tilt(window, rng, most=0.2)
    return alterations.raise_floor(window, rng, most=0.4), transpose(label, semitones)


def _render_chord(sample_rate_hz: int, rng: Generator, pluck: Pluck | None) -> tuple[str, Waveform]:
    if rng.random() < NO_CHORD_SHARE:
        return labels.NO_CHORD, render_no_chord(CHORD_DURATION_S, sample_rate_hz, rng, pluck)
    root, quality = int(rng.integers(12)), str(rng.choice(list(INTERVALS)))
    samples = render_chord(root, quality, CHORD_DURATION_S, sample_rate_hz, rng, pluck=pluck)
    if rng.random() < ACCOMPANIED_SHARE:
        samples = accompany(samples, root, sample_rate_hz, rng)
    return labels.chord_label(root, quality), samples


def _render_no_music(
    sample_rate_hz: int, rng: Generator, pluck: Pluck | None
) -> tuple[None, Waveform]:
    return None, render_no_music(NO_MUSIC_DURATION_S, sample_rate_hz, rng, pluck)


def transpose(label: int, semitones: int) -> int:
    """Return the index of a chord moved by some semitones; "no chord" stays what it is."""
    n_qualities = len(labels.QUALITIES)
    if label in (UNLABELLED, OUTSIDE, labels.CHORDS.index(labels.NO_CHORD)):
        return label
    root, quality = divmod(label, n_qualities)
    return (root + semitones) % len(labels.ROOTS) * n_qualities + quality


def _weigh_by_label(clips: Sequence[LabelledClip]) -> NDArray[np.float64]:
    """Draw rare labels more often, halfway to balance."""
    count = Counter(clip.label for clip in clips)
    return np.array([count[clip.label] ** -0.5 for clip in clips])


def _weigh_rare_labels(clips: Sequence[LabelledClip]) -> NDArray[np.float64]:
    """Draw rare labels more often, most of the way to balance."""
    count = Counter(clip.label for clip in clips)
    return np.array([count[clip.label] ** -0.7 for clip in clips])


def _weigh_by_data_set(clips: Sequence[LabelledClip]) -> NDArray[np.float64]:
    """Draw small data sets more often, halfway to balance: each is another room and guitar."""
    count = Counter(clip.data_set for clip in clips)
    return np.array([count[clip.data_set] ** -0.5 for clip in clips])


def _chords_of(*qualities: str) -> frozenset[str]:
    return frozenset(labels.chord_label(root, q) for root in range(12) for q in qualities)


_UNSEEN = "each clip judged by a network that saw no clip of its group"
_PRETRAINED_CAVEAT = "the pretrained network's songs are unknown and may include the artist"
# 8 windows of 30 s, with gaps of 0.9 s, so that an answer takes less than 40 ms.
_MUSIC_WINDOWS = WindowSpec(frames=musicnn.FRAMES, stride_frames=242, short="repeat")
_MUSIC_FIT = FitSettings(
    epochs=40,
    batches_per_epoch=60,
    batch_size=128,
    peak_learning_rate=1e-3,
    weight_decay=1e-2,
    label_smoothing=0.1,
    mixup_alpha=0.4,
    # Without, genre gives up as much balanced accuracy as it gains accuracy, or more.
    patience=15,
)
_PICTURE_WINDOWS = WindowSpec(frames=112, stride_frames=56, short="repeat")
_CHORD_FEATURES = FeatureSpec(
    name="log_frequency",
    sample_rate_hz=11_025,
    fft_samples=4_096,
    hop_samples=1_024,
    bands=216,
    spectrum="magnitude",
    range_db=60.0,
)
_CHORD_WINDOWS = WindowSpec(frames=20, stride_frames=5, short="silence")

GENRE = Recipe(
    name="genre",
    task="genre",
    version="2.0.1",
    summary="One of ten genres, from what a network trained on 200,000 songs hears in 3 s windows.",
    not_for=(
        "music outside the ten genres: it has no label for it, watch the uncertain flag",
        "relying on one answer among blues, country, disco, pop and rock: they are often confused",
        "telling styles within a genre, or deciding about people's works or rights",
        "speech, noise or single instruments",
    ),
    features=musicnn.SPEC,
    windows=_MUSIC_WINDOWS,
    build=lambda _: embedding_net(musicnn.UNITS, len(labels.GENRES), len(labels.EMOTIONS)),
    backbone=musicnn.embedding,
    augment=_augment_music,
    fit=_MUSIC_FIT,
    folds=lambda clips: group_fold_plan(clips, n_folds=4, split="extra", seed=0),
    protocol=f"fourfold over artists: {_UNSEEN}; {_PRETRAINED_CAVEAT}",
    weigh=_weigh_rare_labels,
    held_back=("valid", "test"),
    left_out=("faulty",),
    bundle="genre",
    further=("emotion",),
    companion="emotion",
    outside=("chord",),
    rendering=Rendering(400, _render_no_music),
    beside_share=0.12,
)

EMOTION = replace(
    GENRE,
    name="emotion",
    task="emotion",
    version="2.4.1",
    summary="Whether music feels happy or sad, from what a network trained on 200,000 songs hears "
    "in 3 s windows, and from the chords of the whole clip.",
    not_for=(
        "reading the feelings of a person: it judges the music, as listeners of four data sets did",
        "music that is neither happy nor sad (angry, tense, calm): it has only the two words",
        "speech",
    ),
    build=lambda _: embedding_net(musicnn.UNITS + CONTEXT_OUTPUTS, len(labels.EMOTIONS), 0),
    folds=lambda clips: group_fold_plan(clips, n_folds=4, split=None, seed=0),
    protocol=f"fourfold over artists and albums: {_UNSEEN}; {_PRETRAINED_CAVEAT}",
    # Longer, to the end and without genre as a companion, each of which was worth up to a
    # hundredth; what a few groups say of an epoch is mostly chance.
    fit=replace(_MUSIC_FIT, epochs=100, patience=None),
    weigh=_weigh_by_label,
    held_back=("test",),
    bundle="emotion",
    # Every 1.9 s one window, which costs a quarter and tells as much.
    context=ContextRecipe("chord", stride_frames=20),
    scales=(ENERGY,),
    further=(),
    companion=None,
)

GENRE_PICTURES = Recipe(
    name="genre_pictures",
    task="genre",
    version="1.0.0",
    summary="One of ten genres, from the spectrogram pictures of the Kaggle GTZAN set.",
    not_for=("serving: a picture holds a quarter of the frames and half of the range of levels",),
    features=gtzan_grid.SPEC,
    windows=_PICTURE_WINDOWS,
    build=lambda teacher_targets: listening_net(
        _PICTURE_WINDOWS.frames,
        gtzan_grid.SPEC.bands,
        len(labels.GENRES),
        len(labels.EMOTIONS),
        teacher_targets=teacher_targets,
    ),
    augment=_augment_picture,
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
    folds=no_folds,
    protocol="none",
    weigh=_weigh_by_label,
    held_back=("valid", "test"),
    left_out=("faulty",),
    bundle="genre/pictures",
    further=("genre", "emotion"),
    companion="emotion",
    teacher=True,
)

CHORD = Recipe(
    name="chord",
    task="chord",
    version="2.1.0",
    summary="The guitar chord that sounds: 12 roots of 6 qualities, or no chord.",
    not_for=(
        "chords outside its vocabulary (suspended, augmented, ninths): it names the nearest one",
        "inversions and voicings: it names the root and the quality only",
        "full songs: measured on rendered ones with bass and drums, on none with a voice",
        "dominant sevenths beyond B7 without a check: no other was among the real clips",
        "telling a power chord's quality: it has no third",
    ),
    features=_CHORD_FEATURES,
    windows=_CHORD_WINDOWS,
    build=lambda _: chord_net(_CHORD_WINDOWS.frames, _CHORD_FEATURES.bands, len(labels.QUALITIES)),
    augment=_augment_chord,
    fit=FitSettings(
        epochs=20,
        batches_per_epoch=150,
        batch_size=64,
        peak_learning_rate=3e-3,
        weight_decay=1e-3,
        # The groups kept for stopping are too few to tell: one odd session ended it at epoch 3.
        patience=None,
    ),
    folds=leave_one_data_set_out,
    protocol="leave one data set out: each clip judged by a network that saw no clip of its set",
    weigh=_weigh_by_data_set,
    held_back=("test",),
    bundle="chord",
    degraded_copies=4,
    outside_label=labels.NO_CHORD,
    rendering=Rendering(6000, _render_chord),
    beside_share=1 / 3,
    subsets=(
        ("major and minor triads", _chords_of("maj", "min")),
        ("seventh chords", _chords_of("7", "maj7", "m7")),
        ("diminished triads", _chords_of("dim")),
    ),
    # Windows of 0.7 s still know the chord, and straddle fewer changes than those of 1.9 s. Chosen
    # on progressions of real guitars, where 8 to 12 frames and 0.3 to 0.9 are within a hundredth.
    timeline=TimelineSpec(change_probability=0.6, heard_frames=8, bands_per_octave=36),
    lab_labels=tuple(labels.harte_label(label) for label in labels.CHORDS),
)

_STATISTICS_WINDOWS = WindowSpec(frames=1, stride_frames=1, short="silence")

GENRE_STATISTICS = Recipe(
    name="genre_statistics",
    task="genre",
    version="1.0.0",
    summary="One of ten genres, from the hand-crafted features of the Kaggle GTZAN set.",
    not_for=("serving: the service does not compute these features",),
    features=statistics.SPEC,
    windows=_STATISTICS_WINDOWS,
    build=lambda _: statistics_net(statistics.N_FEATURES, len(labels.GENRES)),
    augment=_augment_statistics,
    fit=FitSettings(
        epochs=60,
        batches_per_epoch=30,
        batch_size=32,
        peak_learning_rate=2e-3,
        weight_decay=1e-2,
        label_smoothing=0.1,
        patience=20,
    ),
    folds=no_folds,
    protocol="none",
    weigh=_weigh_by_label,
    held_back=("valid", "test"),
    left_out=("faulty",),
)

RECIPES = {
    recipe.name: recipe for recipe in (GENRE, CHORD, EMOTION, GENRE_PICTURES, GENRE_STATISTICS)
}
