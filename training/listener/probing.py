"""Ask what an embedding knows: logistic regression on the means of clips, by held-out groups.

The same measure for students and teachers: it says what can be heard, not how well a
network on top was trained.
"""

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from service.inference.features import Grid
from service.inference.windows import WindowSpec, cut_windows
from training.data.readers import LabelledClip
from training.data.splits import Fold
from training.evaluation.metrics import Predictions
from training.networks.musicnn import FRAMES

WINDOWS = WindowSpec(frames=FRAMES, stride_frames=FRAMES, short="repeat")
STRENGTH = 0.003
"""Inverse strength of the regularisation; more fits the artists, not the labels."""

BALANCE = 0.5
"""Rare labels count for more, halfway to balance."""

Array = NDArray[np.float32]


def clip_mean(listen: Callable[[Array], Array], grid: Grid) -> Array:
    """Return the mean of what is heard in a clip's windows, shape [units]."""
    mean: Array = listen(cut_windows(grid.astype(np.float32), WINDOWS)).mean(axis=0)
    return mean


def probe(
    heard: Array, clips: Sequence[LabelledClip], folds: Sequence[Fold], held_back: Sequence[str]
) -> Predictions:
    """Return what regressions say of the clips of each fold, fitted on the others.

    Parameters
    ----------
    heard
        One row for each clip, shape [clips, units].
    clips
        Their labels and groups.
    folds
        Which to hold out in turn.
    held_back
        Splits that are never learned from.
    """
    labels = sorted({clip.label for clip in clips})
    truth = np.array([labels.index(clip.label) for clip in clips])
    said, asked = [], []
    for fold in folds:
        known = [
            i
            for i, clip in enumerate(clips)
            if clip.group not in fold.groups and clip.split not in held_back
        ]
        said.append(_said(heard[known], truth[known], heard[fold.test], len(labels)))
        asked += fold.test
    groups = [clips[i].group for i in asked]
    return Predictions(np.concatenate(said), truth[asked], groups)


def _said(
    known: Array, truth: NDArray[np.int64], asked: Array, n_labels: int
) -> NDArray[np.float64]:
    mean, deviation = known.mean(axis=0), known.std(axis=0) + 1e-6
    count = Counter(truth.tolist())
    weights = np.array([count[label] ** -BALANCE for label in truth])
    line = LogisticRegression(C=STRENGTH, max_iter=300)
    line.fit((known - mean) / deviation, truth, sample_weight=weights / weights.mean())
    said = np.zeros((len(asked), n_labels))
    said[:, line.classes_] = line.predict_proba((asked - mean) / deviation)
    return said
