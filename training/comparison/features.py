"""What the compared networks see: the grids, and the windows that are cut from them.

All spectra have one frame every 46 ms, and a network sees 5.9 s of them at once, a new
window every 3 s: long enough for a few bars, short enough for ten windows from 30 s. Shorter
clips are repeated.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import keras
import numpy as np
from numpy.random import Generator

from service.inference.features import FeatureSpec, Grid, compute_grid
from service.inference.windows import WindowSpec
from training.augmentation import alterations
from training.augmentation.alterations import Augment
from training.comparison import handcrafted, taught
from training.comparison.sources import Compute, ComputedAudio
from training.data.readers import AudioFile, gtzan_grid
from training.data.readers.clips import Source
from training.networks import listener, musicnn
from training.recipes import GENRE, GENRE_PICTURES, GENRE_STATISTICS

PICTURES = "pictures"


@dataclass(frozen=True)
class Features:
    """What a network sees.

    Attributes
    ----------
    spec, windows
        The grid, and what is cut from it.
    augment
        Changes a training window.
    coefficients
        MFCCs that the network makes of each frame; 0 if it sees the bands themselves.
    compute
        Makes the grid of a waveform.
    asks_teachers
        Whether the grid is what the listener's teachers say, see :meth:`heard_by`.
    backbone
        Makes a pretrained network that hears the windows first.
    units
        Values that it says of each; 0 without one.
    """

    spec: FeatureSpec
    windows: WindowSpec
    augment: Augment
    coefficients: int = 0
    compute: Compute = compute_grid
    asks_teachers: bool = False
    backbone: Callable[[], keras.Model] | None = None
    units: int = 0

    @property
    def outside_service(self) -> bool:
        """Whether only training can compute them."""
        return self.asks_teachers or self.compute is not compute_grid

    def heard_by(self, teachers: Path, kept: Path) -> "Features":
        """Return them with the teachers to ask, if there are any to be asked.

        Parameters
        ----------
        teachers
            Holds mn04.
        kept
            Where MSD_musicnn is kept, converted.

        Raises
        ------
        TrainingError
            A teacher is missing; the message says what to get.
        """
        if not self.asks_teachers:
            return self
        asked = taught.Asked(teachers, kept)
        asked.check(self.spec)
        return replace(self, compute=asked)

    def of(self, audio: AudioFile) -> Source:
        """Return an audio file as the source of such grids."""
        return ComputedAudio(audio, self.compute) if self.outside_service else audio


def _augment_bands(window: Grid, label: int, rng: Generator) -> tuple[Grid, int]:
    window = alterations.shift_bands(window, int(rng.integers(-2, 3)))
    window = alterations.tilt(window, rng, most=0.1)
    return alterations.mask(window, rng, most=8), label


def _augment_chroma(window: Grid, label: int, rng: Generator) -> tuple[Grid, int]:
    """Play it in another key, and mask some."""
    window = np.roll(window, int(rng.integers(window.shape[1])), axis=1)
    return alterations.mask(window, rng, most=2), label


def _spectrum(name: str, bands: int, *, fft_samples: int = 2_048, range_db: float) -> FeatureSpec:
    return FeatureSpec(
        name=name,
        sample_rate_hz=22_050,
        fft_samples=fft_samples,
        hop_samples=1_024,
        bands=bands,
        spectrum="power",
        range_db=range_db,
    )


_WINDOWS = WindowSpec(frames=128, stride_frames=64, short="repeat")
_LOG_MEL = Features(_spectrum("log_mel", 64, range_db=80.0), _WINDOWS, _augment_bands)
_HEARD = Features(GENRE.inputs.features, GENRE.inputs.windows, GENRE.augment)


def _taught(spec: FeatureSpec) -> Features:
    """Return what teachers say; once it is said, nothing of the sound can be altered."""
    return Features(spec, taught.WINDOWS, lambda row, label, _: (row, label), asks_teachers=True)


FEATURES = {
    "log_mel": _LOG_MEL,
    "mfcc": replace(_LOG_MEL, coefficients=20),
    "stft": Features(_spectrum("stft", 128, range_db=80.0), _WINDOWS, _augment_bands),
    # Low notes lie closer than the bins of the shorter transform.
    "chroma": Features(
        _spectrum("chroma", 12, fft_samples=4_096, range_db=40.0), _WINDOWS, _augment_chroma
    ),
    "handcrafted": Features(
        handcrafted.SPEC,
        GENRE_STATISTICS.inputs.windows,
        GENRE_STATISTICS.augment,
        compute=handcrafted.statistics_grid,
    ),
    PICTURES: Features(gtzan_grid.SPEC, GENRE_PICTURES.inputs.windows, GENRE_PICTURES.augment),
    "musicnn": replace(_HEARD, backbone=musicnn.embedding, units=musicnn.UNITS),
    "listener": replace(_HEARD, backbone=listener.pretrained, units=listener.UNITS),
    "mn04": _taught(taught.MN04),
    "both_teachers": _taught(taught.BOTH),
}
