"""Chord: the one that a guitar plays, from a log-frequency spectrogram."""

from numpy.random import Generator

from service.inference.features import FeatureSpec, Grid
from service.inference.timeline import TimelineSpec
from service.inference.windows import WindowSpec
from training.augmentation import alterations
from training.data import labels
from training.data.labels import OUTSIDE, UNLABELLED
from training.data.splits import leave_one_data_set_out
from training.networks.architectures import chord_net
from training.recipes import weighing
from training.recipes.fit_settings import FitSettings
from training.recipes.recipe import (
    Inputs,
    Recipe,
    Rendering,
    Serving,
    Supplement,
    Validation,
)
from training.synthesis.sounds import (
    INTERVALS,
    Pluck,
    Waveform,
    accompany,
    render_chord,
    render_no_chord,
)

TRANSPOSE_DOWN, TRANSPOSE_UP = 5, 6
CHORD_DURATION_S = 2.2
SHORTEST_CHORD_FRAMES = 5
NO_CHORD_SHARE = 0.16
ACCOMPANIED_SHARE = 0.25

_FEATURES = FeatureSpec(
    name="log_frequency",
    sample_rate_hz=11_025,
    fft_samples=4_096,
    hop_samples=1_024,
    bands=216,
    spectrum="magnitude",
    range_db=60.0,
)
_WINDOWS = WindowSpec(frames=20, stride_frames=5, short="silence")


def transpose(label: int, semitones: int) -> int:
    """Return the index of a chord moved by some semitones; "no chord" stays what it is."""
    n_qualities = len(labels.QUALITIES)
    if label in (UNLABELLED, OUTSIDE, labels.CHORDS.index(labels.NO_CHORD)):
        return label
    root, quality = divmod(label, n_qualities)
    return (root + semitones) % len(labels.ROOTS) * n_qualities + quality


def _augment(window: Grid, label: int, rng: Generator) -> tuple[Grid, int]:
    semitones = int(rng.integers(-TRANSPOSE_DOWN, TRANSPOSE_UP + 1))
    window = alterations.cut_short(window, rng, shortest=SHORTEST_CHORD_FRAMES)
    window = alterations.delay(window, rng)
    window = alterations.shift_bands(window, 3 * semitones)
    window = alterations.detune(window, rng)
    window = alterations.tilt(window, rng, most=0.2)
    return alterations.raise_floor(window, rng, most=0.4), transpose(label, semitones)


def _render(sample_rate_hz: int, rng: Generator, pluck: Pluck | None) -> tuple[str, Waveform]:
    if rng.random() < NO_CHORD_SHARE:
        return labels.NO_CHORD, render_no_chord(CHORD_DURATION_S, sample_rate_hz, rng, pluck)
    root, quality = int(rng.integers(12)), str(rng.choice(list(INTERVALS)))
    samples = render_chord(root, quality, CHORD_DURATION_S, sample_rate_hz, rng, pluck=pluck)
    if rng.random() < ACCOMPANIED_SHARE:
        samples = accompany(samples, root, sample_rate_hz, rng)
    return labels.chord_label(root, quality), samples


def _chords_of(*qualities: str) -> frozenset[str]:
    return frozenset(labels.chord_label(root, q) for root in range(12) for q in qualities)


CHORD = Recipe(
    name="chord",
    task="chord",
    version="2.2.0",
    summary="The guitar chord that sounds: 12 roots of 6 qualities, or no chord.",
    not_for=(
        "chords outside its vocabulary (suspended, augmented, ninths): it names the nearest one",
        "inversions and voicings: it names the root and the quality only",
        "full songs: measured on rendered ones with bass and drums, on none with a voice",
        "dominant sevenths beyond B7 without a check: no other was among the real clips",
        "telling a power chord's quality: it has no third",
    ),
    inputs=Inputs(_FEATURES, _WINDOWS),
    build=lambda _: chord_net(_WINDOWS.frames, _FEATURES.bands, len(labels.QUALITIES)),
    augment=_augment,
    weigh=weighing.by_data_set,
    fit=FitSettings(
        epochs=20,
        batches_per_epoch=150,
        batch_size=64,
        peak_learning_rate=3e-3,
        weight_decay=1e-3,
        # The groups kept for stopping are too few to tell: one odd session ended it at epoch 3.
        patience=None,
    ),
    validation=Validation(
        folds=leave_one_data_set_out,
        protocol="leave one data set out: each clip judged by a network that saw no clip of its "
        "set",
        held_back=("test",),
        subsets=(
            ("major and minor triads", _chords_of("maj", "min")),
            ("seventh chords", _chords_of("7", "maj7", "m7")),
            ("diminished triads", _chords_of("dim")),
        ),
    ),
    supplement=Supplement(
        degraded_copies=4,
        outside_label=labels.NO_CHORD,
        rendering=Rendering(6000, _render),
        share=1 / 3,
    ),
    serving=Serving(
        "chord",
        # Windows of 0.7 s still know the chord, and straddle fewer changes than those of 1.9 s.
        # Chosen on progressions of real guitars, where 8 to 12 frames and 0.3 to 0.9 are within
        # a hundredth.
        # Up to 25 cents, songs to learn from were named as well without moving them.
        timeline=TimelineSpec(
            change_probability=0.6,
            heard_frames=8,
            bands_per_octave=36,
            retune_beyond_cents=25.0,
        ),
        lab_labels=tuple(labels.harte_label(label) for label in labels.CHORDS),
    ),
)
