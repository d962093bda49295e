"""Paint the pictures of GTZAN by the published recipe, apart from the code that reads them."""

from pathlib import Path

import numpy as np
from matplotlib import colormaps
from numpy.typing import NDArray
from PIL import Image

BANDS, COLUMNS = 128, 333


def random_levels(seed: int = 0) -> NDArray[np.uint8]:
    """Return levels in which every colour occurs, shape [128, 333]."""
    return np.random.default_rng(seed).integers(0, 256, (BANDS, COLUMNS)).astype(np.uint8)


def paint(levels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a picture 432 pixels wide and 288 high: white, with the levels in its axes."""
    # The renderer rounds; colormaps called with bytes=True would cut off.
    magma = np.rint(255 * colormaps["magma"](np.arange(256))[:, :3]).astype(np.uint8)
    picture = np.full((288, 432, 3), 255, dtype=np.uint8)
    for row in range(36, 252):
        band = int((252 - row) / 217.44 * 128)
        for column in range(COLUMNS):
            picture[row, 55 + column] = magma[levels[band, column]]
    return picture


def write_picture(path: Path, levels: NDArray[np.uint8]) -> Path:
    """Write the picture of levels as PNG, and the folders above it; return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(paint(levels)).save(path)
    return path
