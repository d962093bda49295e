"""Multiply spectra by a filter bank where its filters let something through.

A filter of a bank hears a few bins of hundreds or thousands, and the next one those beside them. So
a block of adjacent filters is multiplied with the bins that one of them hears, not with all.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# Fewer, and calling the product costs more than it saves; more, and they have less in common.
BLOCK_BANDS = 24


@dataclass(frozen=True)
class _Block:
    """Some adjacent filters: their bands, the bins that they hear, and their weights there."""

    bands: slice
    bins: slice
    weights: NDArray[np.float32]


class Filters:
    """A filter bank, ready to be applied.

    Parameters
    ----------
    bank
        Shape [bands, bins]. It is not copied, as there may be a hundred streams.

    Attributes
    ----------
    bands
        Number of filters.
    n_heard
        So many bins, from the first on, are heard by any filter.
    """

    def __init__(self, bank: NDArray[np.float32]) -> None:
        self.bands = len(bank)
        self._blocks = [
            _block(bank, slice(first, first + BLOCK_BANDS))
            for first in range(0, self.bands, BLOCK_BANDS)
        ]
        self.n_heard = max(block.bins.stop for block in self._blocks)

    def apply(self, spectrum: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return what the filters let through.

        Parameters
        ----------
        spectrum
            Shape [frames, bins]; bins beyond ``n_heard`` may be missing.

        Returns
        -------
        ndarray
            Shape [frames, bands].
        """
        levels = np.empty((len(spectrum), self.bands), np.float32)
        for block in self._blocks:
            np.matmul(spectrum[:, block.bins], block.weights, out=levels[:, block.bands])
        return levels


def _block(bank: NDArray[np.float32], bands: slice) -> _Block:
    heard = np.flatnonzero((bank[bands] != 0).any(axis=0))
    bins = slice(int(heard[0]), int(heard[-1]) + 1) if len(heard) else slice(0, 1)
    return _Block(bands, bins, bank[bands, bins].T)
