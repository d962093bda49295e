"""What the listener's teachers hear in a recording: how far listening could carry.

Each window of three seconds is one row of a grid, as if it were a frame, and its values are
what the teachers say of it. They are asked as they are for the listener's lessons: about
windows side by side, of a recording at one loudness.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray

from service.audio.decode import Samples
from service.inference.features import FeatureSpec, FilterBank, Grid, compute_grid
from service.inference.windows import WindowSpec
from training.data import filter_banks
from training.listener.lessons import FRAME_SAMPLES, WINDOW_SAMPLES, sounds_at
from training.listener.loudness import brought_to
from training.listener.teachers import MN04_CLASSES, MN04_EMBEDDING, MN04_RATE_HZ, Mn04, Musicnn
from training.networks import musicnn
from training.networks.listener import LOUDNESS_LUFS

WINDOWS = WindowSpec(frames=1, stride_frames=1, short="repeat")

Array = NDArray[np.float32]


def _spec(name: str, values: int) -> FeatureSpec:
    # Of the fields of a spectrogram, only the rate and the number of values apply.
    return FeatureSpec(
        name=name,
        sample_rate_hz=MN04_RATE_HZ,
        fft_samples=1_024,
        hop_samples=WINDOW_SAMPLES,
        bands=values,
        spectrum="power",
        range_db=80.0,
    )


MN04 = _spec(filter_banks.MN04, MN04_EMBEDDING + MN04_CLASSES)
BOTH = _spec(filter_banks.BOTH_TEACHERS, MN04_EMBEDDING + MN04_CLASSES + musicnn.UNITS)


@dataclass(frozen=True)
class Asked:
    """Asks teachers about a waveform at ``MN04_RATE_HZ``.

    Attributes
    ----------
    teachers
        Holds mn04.
    kept
        Where MSD_musicnn is kept, converted.
    """

    teachers: Path
    kept: Path

    def check(self, spec: FeatureSpec) -> None:
        """Open those that a specification asks, or raise TrainingError."""
        _mn04(self.teachers)
        if spec.name == BOTH.name:
            _musicnn(self.kept)

    def __call__(self, samples: Samples, spec: FeatureSpec, bank: FilterBank) -> Grid:  # noqa: ARG002
        """Return what they say of each window, shape [windows, values]."""
        sound = brought_to(samples - samples.mean(), MN04_RATE_HZ, LOUDNESS_LUFS)
        if len(sound) < WINDOW_SAMPLES:
            sound = np.resize(sound, WINDOW_SAMPLES)
        count = round(len(sound) / WINDOW_SAMPLES)
        starts = np.linspace(0, (len(sound) - WINDOW_SAMPLES) // FRAME_SAMPLES, count).astype(int)
        said = [_mn04(self.teachers).ask(sounds_at(starts, sound))]
        if spec.name == BOTH.name:
            said.append(_musicnn(self.kept).ask(_windows(sound, starts)))
        return np.concatenate(said, axis=1)


def _windows(sound: Samples, starts: NDArray[np.int64]) -> Array:
    """Return the windows of MSD_musicnn, shape [n, 187, 96]."""
    resampled = soxr.resample(sound, MN04_RATE_HZ, musicnn.SPEC.sample_rate_hz)
    grid = compute_grid(resampled, musicnn.SPEC, filter_banks.make_bank(musicnn.SPEC))
    return np.stack([grid[s : s + musicnn.FRAMES] for s in starts])


@lru_cache(maxsize=1)
def _mn04(folder: Path) -> Mn04:
    return Mn04(folder)


@lru_cache(maxsize=1)
def _musicnn(folder: Path) -> Musicnn:
    return Musicnn(folder)
