"""Learn which note a chord stands on: a logistic regression over the notes of chords.

A lesson is a segment of a timeline, as a bundle answers about a song, whose chord has the root of
the true one in most of it. Each of its notes may be the bass, and what is true of them decides.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from mir_eval.chord import encode
from numpy.typing import NDArray
from scipy.optimize import minimize
from tqdm import tqdm

from service.audio.decode import Clip
from service.inference.bass import (
    SEMITONES,
    TONES,
    Tones,
    looked_at,
    low_levels,
    tones_of,
)
from service.inference.bundle import Bundle
from service.inference.feature_spec import FeatureSpec, Grid
from service.inference.grids import needed_rates_hz
from service.inference.softmax import softmax
from service.inference.timeline import LabelledSegment
from service.inference.windows import Segment
from training.data.annotation import Annotation
from training.data.song_folder import read_song_folder
from training.errors import TrainingError
from training.evaluation.evaluate import load_bundle
from training.progressions.lab_answers import ask

LEAST_SHARE = 0.6  # of a segment that the true chord sounds
DECAY = 1e-3
INVERTED = tuple(degree for degree in SEMITONES if degree != "1")
MOST_NOTES = max(len(degrees) for degrees in TONES.values())
NEVER = -1e9  # the logit of a note that a chord does not have
STRETCHES = 2


@dataclass(frozen=True)
class Lessons:
    """Segments of songs.

    Attributes
    ----------
    heard
        What is heard of each note of each chord, shape [segments, notes, numbers]; the last ones
        tell which degree it is.
    missing
        What a note's logit is raised by, shape [segments, notes]: ``NEVER`` where there is none.
    right
        Which of the notes is the bass, shape [segments].
    seconds
        How long each sounds, shape [segments].
    """

    heard: NDArray[np.float64]
    missing: NDArray[np.float64]
    right: NDArray[np.int64]
    seconds: NDArray[np.float64]


@dataclass(frozen=True)
class Learned:
    """The numbers of :mod:`service.inference.bass`.

    Attributes
    ----------
    weights
        Of what is heard, in the whole segment and where it begins.
    degrees
        What is added to the logit of each degree.
    """

    weights: list[list[float]]
    degrees: dict[str, float]

    def as_code(self) -> str:
        """Return them as they stand there."""
        return f"_WEIGHTS = {self.weights}\n_DEGREES = {self.degrees}"


def study(folders: Sequence[Path], bundle_folder: Path) -> Learned:
    """Learn from folders of songs.

    Raises
    ------
    TrainingError
        A folder holds no songs, one cannot be decoded, or no chord is annotated with another bass
        than its root.
    """
    bundle = load_bundle(bundle_folder)
    songs = [song for folder in folders for song in read_song_folder(folder)]
    recorded = ((song.heard(needed_rates_hz([bundle])), song.chords) for song in songs)
    return learn(make_lessons(tqdm(recorded, total=len(songs), unit="song"), bundle))


def make_lessons(songs: Iterable[tuple[Clip, Annotation]], bundle: Bundle) -> Lessons:
    """Ask a bundle about songs, and set the true bass beside each segment.

    Raises
    ------
    TrainingError
        The bundle names no chords, or no chord stands on another note than its root.
    """
    names = bundle.card.lab_labels
    if names is None or bundle.card.timeline is None:
        raise TrainingError("Only a bundle that names chords over time hears where basses sound.")
    lessons: list[tuple[NDArray[np.float64], int, float]] = []
    for clip, truth in songs:
        waveform = clip.waveforms[bundle.card.features.sample_rate_hz]
        grid = bundle.in_tune(bundle.features(waveform))
        timeline = ask(bundle, clip).timeline or []
        lessons += _lessons_of(timeline, names, truth, grid, bundle.card.features)
    if not any(bass for _, bass, _ in lessons):
        raise TrainingError("No chord of these songs is annotated with a bass, such as C:maj/3.")
    heard, right, seconds = zip(*lessons, strict=True)
    padded = np.zeros((len(heard), MOST_NOTES, heard[0].shape[1]))
    missing = np.full(padded.shape[:2], NEVER)
    for n, of_notes in enumerate(heard):
        padded[n, : len(of_notes)] = of_notes
        missing[n, : len(of_notes)] = 0
    return Lessons(padded, missing, np.array(right), np.array(seconds))


def learn(lessons: Lessons) -> Learned:
    """Fit the weights; each second counts alike."""
    shares = lessons.seconds / lessons.seconds.sum()
    places = np.arange(len(shares))

    def loss(weights: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        probabilities = softmax(lessons.heard @ weights + lessons.missing)
        surprise = -np.log(np.maximum(probabilities[places, lessons.right], 1e-12))
        wrong = probabilities.copy()
        wrong[places, lessons.right] -= 1
        slope = np.tensordot(shares[:, np.newaxis] * wrong, lessons.heard, 2)
        return shares @ surprise + DECAY / 2 * weights @ weights, slope + DECAY * weights

    fitted = minimize(loss, np.zeros(lessons.heard.shape[2]), jac=True, method="L-BFGS-B").x
    rounded = np.round(fitted, 3).tolist()
    n = (len(rounded) - len(INVERTED)) // STRETCHES
    weights = [rounded[k * n : (k + 1) * n] for k in range(STRETCHES)]
    return Learned(
        weights, {"1": 0.0, **dict(zip(INVERTED, rounded[-len(INVERTED) :], strict=True))}
    )


def _lessons_of(
    timeline: Sequence[LabelledSegment],
    names: Sequence[str],
    truth: Annotation,
    grid: Grid,
    spec: FeatureSpec,
) -> list[tuple[NDArray[np.float64], int, float]]:
    """Return what is heard of each note, which one is right, and the seconds, by segment."""
    levels = low_levels(timeline, grid, spec)
    found = []
    for n, segment in enumerate(timeline):
        tones = tones_of(names[segment.label])
        right = None if tones is None else _true_bass(segment.segment, tones, truth)
        if tones is not None and right is not None:
            found.append((_heard(levels[:, n], tones), right, segment.segment.length_s))
    return found


def _true_bass(segment: Segment, tones: Tones, truth: Annotation) -> int | None:
    """Return which note of a chord is the true bass; None where another root is right."""
    starts_s, ends_s = truth.intervals_s.T
    inside_s = np.minimum(ends_s, segment.end_s) - np.maximum(starts_s, segment.start_s)
    longest = int(inside_s.argmax())
    if inside_s[longest] < LEAST_SHARE * segment.length_s:
        return None
    root, _, bass = encode(truth.labels[longest])
    of_degrees = [SEMITONES[degree] for degree in tones.degrees]
    return of_degrees.index(bass) if root == tones.root and bass in of_degrees else None


def _heard(levels: NDArray[np.float64], tones: Tones) -> NDArray[np.float64]:
    """Return what is heard of each note, shape [notes, numbers], of levels [2, semitones]."""
    of_notes = np.einsum("ks,wsp->pkw", levels, looked_at()[:, :, tones.pitch_classes])
    degrees = [[degree == other for other in INVERTED] for degree in tones.degrees]
    return np.concatenate([of_notes.reshape(len(of_notes), -1), degrees], axis=1)
