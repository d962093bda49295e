"""How far a stream is tuned from A = 440 Hz, told anew with each frame."""

import numpy as np
from numpy.typing import NDArray

from service.inference.features import FeatureSpec, Grid
from service.inference.tuning import cents_of, cents_to_move

# What was heard longer ago counts ever less: the next song may be tuned otherwise.
LASTS_S = 60.0
# Until then too little has sounded to move anything by what it is tuned to.
SETTLES_S = 3.0


class RunningTuning:
    """The tuning of what was heard in the last minute.

    Parameters
    ----------
    spec
        What the frames are; ``BANDS_PER_SEMITONE`` bands a semitone.
    beyond_cents
        Tuned further away, a stream is moved back; None for never.
    """

    def __init__(self, spec: FeatureSpec, beyond_cents: float | None) -> None:
        self._spec = spec
        self._beyond_cents = beyond_cents
        self._totals: NDArray[np.float64] = np.zeros(spec.bands)
        self._n_frames = 0

    def hear(self, banded: Grid) -> None:
        """Take what the filter bank let through of some more frames, shape [frames, bands]."""
        magnitudes = np.sqrt(banded) if self._spec.spectrum == "power" else banded
        self._totals *= np.exp(-len(banded) * self._spec.hop_s / LASTS_S)
        self._totals += magnitudes.sum(axis=0, dtype=np.float64)
        self._n_frames += len(banded)

    @property
    def cents(self) -> float | None:
        """How much higher than 440 Hz it is tuned; None where no tones have sounded."""
        return cents_of(self._totals)

    @property
    def moved_cents(self) -> float:
        """How far the features are to be moved down now; 0 for not at all."""
        if self._beyond_cents is None or self._n_frames * self._spec.hop_s < SETTLES_S:
            return 0.0
        return cents_to_move(self.cents, self._beyond_cents)
