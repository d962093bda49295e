"""Learn from recordings of songs: short windows, named by the chord that sounds in their middle.

They are as long as those of the timeline, and some straddle two chords as those do. What songs are
full of is drawn less often than it comes, so that rare chords are learned too, but still more often
than others.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from service.inference.features import FilterBank
from service.inference.tuning import bring_in_tune
from training.data.annotation import Annotation
from training.data.cache import FeatureCache
from training.data.harte import nearest_chord
from training.data.labels import CHORDS, NO_CHORD, QUALITIES
from training.data.preparation import prepare
from training.data.readers import AudioFile, LabelledClip
from training.data.song_folder import read_song_folder
from training.errors import TrainingError
from training.fitting.items import NO_COMMENT, Item
from training.recipes import Recipe

SONGS = "songs"
# Frames from one window's beginning to that of the next.
STRIDE_FRAMES = 2
# So much of a window sounds the chord that it is named by.
LEAST_NAMED = 5 / 8
# All windows of a quality are drawn in proportion to their number to this power.
POWER = 0.8


def song_windows(
    recipe: Recipe,
    folders: Sequence[Path],
    bank: FilterBank,
    cache: FeatureCache,
    cluster: str | None = None,
) -> list[Item]:
    """Return windows of all songs in some folders, their weights 1 in the mean.

    Parameters
    ----------
    recipe
        What to learn; its timeline tells how long the windows are.
    folders
        Recordings with their chords beside them.
    bank, cache, cluster
        As for :func:`training.data.preparation.prepare`.

    Raises
    ------
    TrainingError
        The recipe does not name chords over time, or no recording can be read.
    """
    timeline = recipe.serving.timeline
    if timeline is None or recipe.labels != CHORDS:
        raise TrainingError(
            f"The recipe {recipe.name} does not name chords over time; leave out --songs."
        )
    songs = {song.audio: song for folder in folders for song in read_song_folder(folder)}
    clips = [
        LabelledClip(AudioFile(file), "", SONGS, f"{SONGS}:{song.group}")
        for file, song in songs.items()
    ]
    spec = recipe.inputs.features
    frames = timeline.windows(recipe.inputs.windows).frames
    windows = []
    for clip in prepare(clips, spec, bank, cache, cluster).clips:
        heard = clip.grid.astype(np.float32)
        grid = bring_in_tune(heard, spec, timeline.retune_beyond_cents).astype(np.float16)
        chords = songs[Path(clip.clip.source.name)].chords
        for start, label in _named(chords, len(grid), frames, spec.hop_s):
            window = grid[start : start + frames]
            windows.append(Item(clip.clip.group, label, [window], NO_COMMENT, 1.0))
    if not windows:
        raise TrainingError("None of the songs can be read, or they are too short; see above.")
    return _evened_out(windows)


def _named(
    chords: Annotation, n_frames: int, frames: int, hop_s: float
) -> Iterator[tuple[int, int]]:
    """Yield first frame and label of each window of which enough sounds the same chord."""
    labels = [nearest_chord(label) for label in chords.labels]
    # Frames are centred on multiples of the hop; the middle of a window may lie between two.
    halves_s = np.arange(2 * n_frames) * hop_s / 2
    sounding = np.searchsorted(chords.intervals_s[:, 0], halves_s, side="right") - 1
    for start in range(0, n_frames - frames + 1, STRIDE_FRAMES):
        middle = max(0, sounding[2 * start + frames - 1])
        within = sounding[2 * start : 2 * (start + frames) : 2]
        if (within == middle).mean() >= LEAST_NAMED:
            yield start, labels[middle]


def _evened_out(windows: Sequence[Item]) -> list[Item]:
    qualities = [
        NO_CHORD if CHORDS[w.label] == NO_CHORD else QUALITIES[w.label % len(QUALITIES)]
        for w in windows
    ]
    counts = Counter(qualities)
    weights = np.array([counts[quality] ** (POWER - 1) for quality in qualities])
    return [
        replace(window, weight=float(weight))
        for window, weight in zip(windows, weights / weights.mean(), strict=True)
    ]
