"""How often each clip is drawn in training, relative to the others."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from training.data.readers import LabelledClip

Weights = NDArray[np.float64]


def by_label(clips: Sequence[LabelledClip]) -> Weights:
    """Draw rare labels more often, halfway to balance."""
    return _rare_more_often([clip.label for clip in clips], 0.5)


def by_label_steeply(clips: Sequence[LabelledClip]) -> Weights:
    """Draw rare labels more often, most of the way to balance."""
    return _rare_more_often([clip.label for clip in clips], 0.7)


def by_data_set(clips: Sequence[LabelledClip]) -> Weights:
    """Draw small data sets more often, halfway to balance: each is another room and guitar."""
    return _rare_more_often([clip.data_set for clip in clips], 0.5)


def _rare_more_often(kinds: Sequence[str], power: float) -> Weights:
    count = Counter(kinds)
    return np.array([count[kind] ** -power for kind in kinds])
