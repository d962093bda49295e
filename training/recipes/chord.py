"""Chord: the one that a guitar plays, from a log-frequency spectrogram."""

from functools import partial

import numpy as np
from numpy.random import Generator

from service.inference.features import FeatureSpec, Grid
from service.inference.onsets import OnsetSpec
from service.inference.timeline import TimelineSpec
from service.inference.windows import WindowSpec
from training.augmentation import alterations
from training.data import labels
from training.data.labels import OUTSIDE, UNLABELLED
from training.data.splits import leave_one_data_set_out
from training.networks.architectures import chord_net, expect_less
from training.recipes import weighing
from training.recipes.fit_settings import FitSettings
from training.recipes.recipe import Inputs, Recipe, Rendering, Serving, Supplement, Validation
from training.synthesis.guitar import Pluck, render_chord
from training.synthesis.sounds import accompany, render_no_chord
from training.synthesis.waveform import Waveform

TRANSPOSE_DOWN, TRANSPOSE_UP = 5, 6
CHORD_DURATION_S = 2.2
SHORTEST_CHORD_FRAMES = 5
NO_CHORD_SHARE = 0.16
ACCOMPANIED_SHARE = 0.25
SMALL_SET = 200

# They are rarer in what is played than in what is learned from: suspended chords most, for which
# chords with an open string beside them are taken. Chosen on clips that folds held out, on songs to
# learn from and on single chords of SoundFonts.
_RARER = {"sus2": 2.0, "sus4": 2.0, "aug": 1.0, "m7b5": 1.0, "dim7": 1.0, "6": 1.0, "m6": 1.0}
_LESS = np.array([_RARER.get(quality, 0.0) for quality in labels.QUALITIES], np.float32)
# Drawn half as often as others: many hold the notes of a usual chord, for which they must not be
# taken as often as for themselves.
_WEIGHTS = np.array([0.5 if quality in _RARER else 1.0 for quality in labels.QUALITIES])
_SHARES = _WEIGHTS / _WEIGHTS.sum()

_FEATURES = FeatureSpec(
    name="log_frequency",
    sample_rate_hz=11_025,
    fft_samples=4_096,
    hop_samples=1_024,
    bands=216,
    spectrum="magnitude",
    range_db=60.0,
)
# Those that hear nearly the same tell no more of the whole than those that overlap by a quarter.
_WINDOWS = WindowSpec(frames=20, stride_frames=15, short="silence")


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
    root, quality = int(rng.integers(12)), str(rng.choice(labels.QUALITIES, p=_SHARES))
    samples = render_chord(root, quality, CHORD_DURATION_S, sample_rate_hz, rng, pluck=pluck)
    if rng.random() < ACCOMPANIED_SHARE:
        samples = accompany(samples, root, sample_rate_hz, rng)
    return labels.chord_label(root, quality), samples


def _chords_of(*qualities: str) -> frozenset[str]:
    return frozenset(labels.chord_label(root, q) for root in range(12) for q in qualities)


CHORD = Recipe(
    name="chord",
    task="chord",
    version="3.2.0",
    summary=f"The guitar chord that sounds: 12 roots of {len(labels.QUALITIES)} qualities, or no "
    "chord.",
    not_for=(
        "chords outside its vocabulary (added notes, suspended sevenths): it names the nearest "
        "one, and of ninths the seventh",
        "voicings: it names the root and the quality, over time also the bass of major, minor and "
        "seventh chords where that is surely not the root, and of two chords that have the same "
        "notes (C6 and Am7, Csus2 and Gsus4) the one whose root is lowest",
        "full songs: measured on rendered ones with bass and drums, on none with a voice",
        "half-diminished chords, diminished sevenths, sixths and dominant sevenths beyond B7 "
        "without a check: none was among the real clips",
        "telling a power chord's quality: it has no third",
    ),
    inputs=Inputs(_FEATURES, _WINDOWS),
    build=lambda _: chord_net(_WINDOWS.frames, _FEATURES.bands, len(labels.QUALITIES)),
    augment=_augment,
    weigh=weighing.by_data_set,
    fit=FitSettings(
        epochs=50,
        batches_per_epoch=150,
        batch_size=64,
        peak_learning_rate=3e-3,
        weight_decay=1e-3,
        # The groups kept for stopping are too few to tell: one odd session ended it at epoch 3.
        patience=None,
    ),
    validation=Validation(
        folds=partial(leave_one_data_set_out, least_clips=SMALL_SET),
        protocol="leave one data set out: each clip judged by a network that saw no clip of its "
        f"set, nor of any other of fewer than {SMALL_SET} clips where its own has so few",
        held_back=("test",),
        subsets=(
            ("major and minor triads", _chords_of("maj", "min")),
            ("seventh chords", _chords_of("7", "maj7", "m7")),
            ("diminished triads", _chords_of("dim")),
            ("suspended and augmented chords", _chords_of("sus2", "sus4", "aug")),
        ),
    ),
    supplement=Supplement(
        degraded_copies=4,
        short_copies=2,
        outside_label=labels.NO_CHORD,
        rendering=Rendering(9000, _render),
        share=0.22,
        songs_share=0.55,
    ),
    serving=Serving(
        "chord",
        # Windows of 0.7 s still know the chord, and straddle fewer changes than those of 1.9 s.
        # Since such windows of songs are learned from, they need less smoothing: 0.95 among 157
        # labels was chosen on songs to learn from.
        # Up to 25 cents, songs to learn from were named as well without moving them.
        timeline=TimelineSpec(
            change_probability=0.95,
            heard_frames=8,
            stride_frames=5,
            bands_per_octave=36,
            retune_beyond_cents=25.0,
            onsets=OnsetSpec(fft_samples=256, hop_samples=128),
        ),
        lab_labels=tuple(labels.harte_label(label) for label in labels.CHORDS),
    ),
    finish=lambda network: expect_less(network, _LESS),
)
