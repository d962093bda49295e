"""The log-mel grid behind the Kaggle GTZAN pictures, exactly as they were drawn.

``images_original`` was drawn by librosa and matplotlib: a power mel spectrogram of the
whole clip, ``20 log10(power / max)`` floored at -80, so 40 dB of true range remain, in
256 colours of the table ``magma``. The picture's resolution keeps one STFT frame in
3.86. A grid read from a picture lies where the service's features of the audio do.
"""

import numpy as np
from matplotlib import colormaps
from numpy.typing import NDArray

from service.inference.features import FeatureSpec, Grid
from training.errors import TrainingError, UnreadableClip

Levels = NDArray[np.uint8]  # [bands, columns]

SAMPLE_RATE_HZ = 22_050
FFT_SAMPLES = 2_048
BANDS = 128
COLUMNS = 333
RANGE_DB = 40.0
COLUMN_HOP_SAMPLES = 1_977  # 334.8 columns over 30 s

_AXES_HEIGHT_PX = 217.44
_IMAGE_SHAPE = (288, 432)
_FIRST_COLUMN_PX = 55
_FIRST_ROW_PX, _LAST_ROW_PX = 36, 251
_LEVELS = 256

SPEC = FeatureSpec(
    name="log_mel",
    sample_rate_hz=SAMPLE_RATE_HZ,
    fft_samples=FFT_SAMPLES,
    hop_samples=COLUMN_HOP_SAMPLES,
    bands=BANDS,
    spectrum="power",
    range_db=RANGE_DB,
)


def check_compatible(spec: FeatureSpec, name: str) -> None:
    """Refuse to mix ready-made grids with features of another specification."""
    if spec != SPEC:
        raise TrainingError(
            f"{name} holds ready-made grids of the GTZAN pictures, but the model wants "
            f"{spec.name} features of another specification. Give audio files instead."
        )


def to_features(levels: Levels) -> Grid:
    """Turn levels, shape [bands, columns], into a feature grid, shape [columns, bands]."""
    # Half a step up: a level is the floor of what the service computes.
    grid: Grid = (levels.T.astype(np.float32) + np.float32(0.5)) / np.float32(_LEVELS)
    grid[levels.T == 0] = 0
    return grid


def levels_from_pixels(pixels: NDArray[np.uint8]) -> Levels:
    """Read the levels back from a picture, shape [288, 432, 3].

    The picture has fewer rows in its upper bands than there are bands to show, so
    every band is read from the first row that shows it.
    """
    if pixels.shape[:2] != _IMAGE_SHAPE:
        height, width = _IMAGE_SHAPE
        raise UnreadableClip(
            f"is {pixels.shape[1]} x {pixels.shape[0]} pixels; images_original has "
            f"{width} x {height}"
        )
    columns = slice(_FIRST_COLUMN_PX, _FIRST_COLUMN_PX + COLUMNS)
    rows = np.arange(_FIRST_ROW_PX, _LAST_ROW_PX + 1)
    band_of_row = np.floor((_LAST_ROW_PX + 1 - rows) / _AXES_HEIGHT_PX * BANDS).astype(int)
    row_of_band = np.array([rows[band_of_row == band][0] for band in range(BANDS)])
    colours = pixels[row_of_band, columns].astype(np.int32)
    return _nearest_level(colours)


def _nearest_level(colours: NDArray[np.int32]) -> Levels:
    table = np.round(colormaps["magma"](np.arange(_LEVELS))[:, :3] * 255).astype(np.int32)
    unique, inverse = np.unique(colours.reshape(-1, 3), axis=0, return_inverse=True)
    distance = np.abs(unique[:, None, :] - table[None, :, :]).sum(axis=2)
    nearest = distance.argmin(axis=1).astype(np.uint8)
    levels: Levels = nearest[inverse.reshape(-1)].reshape(colours.shape[:2])
    return levels
