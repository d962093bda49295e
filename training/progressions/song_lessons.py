"""What the network that hears songs learns from: windows with their neighbours, and the truth.

The truth of a window is the label that is right in its middle.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from service.audio.decode import Clip
from service.inference.bundle import Bundle
from service.inference.softmax import softmax
from service.inference.songs import scaled_logs
from service.inference.windows import cut_windows, end_in_silence
from training.data.annotation import Annotation
from training.data.harte import nearest_chord
from training.data.labels import CHORDS
from training.errors import TrainingError

AT_ONCE = 64


@dataclass(frozen=True)
class Lessons:
    """Windows of songs.

    Attributes
    ----------
    around
        What the first network says of each window and its neighbours, as logarithms, shape
        [windows, neighbours, labels].
    right
        Which labels are right, shape [windows, labels].
    """

    around: NDArray[np.float32]
    right: NDArray[np.bool_]


def make_lessons(
    songs: Iterable[tuple[Clip, Annotation]], bundle: Bundle, offsets: Sequence[int]
) -> Lessons:
    """Ask a bundle about songs, a window at each frame, and set the truth beside it.

    Parameters
    ----------
    songs
        Recordings, each with the chords that sound in it.
    bundle
        Who is asked.
    offsets
        Which windows are heard together, counted from the one that is named.

    Raises
    ------
    TrainingError
        The bundle joins no windows, or its labels are not the chords.
    """
    card = bundle.card
    if card.timeline is None or tuple(card.labels) != CHORDS:
        raise TrainingError("Only a bundle that names the chords over time can learn from songs.")
    windows = card.timeline.windows(card.windows)
    dense = windows.model_copy(update={"stride_frames": 1})
    around, right = [], []
    for clip, chords in tqdm(songs, desc="lessons", unit="song"):
        grid = bundle.in_tune(bundle.features(clip.waveforms[card.features.sample_rate_hz]))
        cut = cut_windows(grid, dense)
        logits = [
            bundle.run(end_in_silence(cut[n : n + AT_ONCE], card.windows.frames))
            for n in range(0, len(cut), AT_ONCE)
        ]
        probabilities = softmax(np.concatenate(logits) / card.calibration.temperature)
        logs = scaled_logs(probabilities)
        places = np.arange(len(logs))[:, np.newaxis]
        places = places + np.array(offsets) * windows.stride_frames
        around.append(logs[np.clip(places, 0, len(logs) - 1)].astype(np.float32))
        middles = np.arange(len(logs), dtype=np.float64) + (windows.frames - 1) / 2
        right.append(right_labels(chords, middles * card.features.hop_s))
    return Lessons(np.concatenate(around), np.concatenate(right))


def right_labels(chords: Annotation, times_s: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which labels are right at some times, shape [times, labels]."""
    right = np.zeros((len(times_s), len(CHORDS)), dtype=bool)
    segments = np.searchsorted(chords.intervals_s[:, 0], times_s, side="right") - 1
    for row, segment in zip(right, np.maximum(segments, 0), strict=True):
        row[nearest_chord(chords.labels[segment])] = True
    return right
