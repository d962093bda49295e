"""Compare two models on the same clips: a paired bootstrap that draws whole groups.

What both get right or wrong together says nothing of which is better, so the interval of
the difference is narrower than the intervals of the two figures (Efron and Tibshirani 1993).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from service.inference.card import Estimate
from training.evaluation.metrics import (
    balanced_accuracy,
    bootstrap,
    expected_calibration_error,
    resamples,
    with_interval,
)

Figure = Callable[[NDArray[np.int64]], float]
"""Computes a figure on clips, of which it is given the places."""


@dataclass(frozen=True)
class Told:
    """What a model said about clips, one entry a clip.

    Attributes
    ----------
    labels
        Its answers.
    confidences
        How sure it was of them, as it serves them; None where that is not known of every clip.
    """

    labels: Sequence[str]
    confidences: Sequence[float] | None = None


class Change(BaseModel):
    """A figure of an old and of a new model, and their difference."""

    old: Estimate
    new: Estimate
    difference: Estimate

    def summary(self, name: str) -> str:
        """Return it in words."""
        return (
            f"{name} {self.old.value:.3f} before, {self.new.value:.3f} now: "
            f"{with_interval(self.difference, '+.3f')}"
        )


class Comparison(BaseModel):
    """How an old and a new model do on the same clips.

    The calibration error is known only where both told how sure they were.
    """

    n: int
    groups: int
    balanced_accuracy: Change
    calibration_error: Change | None

    def summary(self) -> str:
        """Return it in a line."""
        told = [self.balanced_accuracy.summary("balanced accuracy")]
        if self.calibration_error is not None:
            told.append(self.calibration_error.summary("calibration error"))
        return f"{', '.join(told)} on {self.n} clips of {self.groups} groups"


def compare_answers(
    truth: Sequence[str], old: Told, new: Told, groups: Sequence[str]
) -> Comparison:
    """Compare what two models answered about the same clips; there is at least one.

    Parameters
    ----------
    truth
        The true label of each clip.
    old, new
        What each model said.
    groups
        Artist, album, player or guitar of each clip.
    """
    names = sorted({*truth, *old.labels, *new.labels})
    true, first, second = (
        np.array([names.index(label) for label in labels], dtype=np.int64)
        for labels in (truth, old.labels, new.labels)
    )
    samples = resamples(groups, seed=0)

    def change(old_figure: Figure, new_figure: Figure) -> Change:
        return Change(
            old=bootstrap(old_figure, samples, len(true)),
            new=bootstrap(new_figure, samples, len(true)),
            difference=bootstrap(lambda i: new_figure(i) - old_figure(i), samples, len(true)),
        )

    calibration = None
    if old.confidences is not None and new.confidences is not None:
        calibration = change(
            _calibration_error(np.array(old.confidences), true == first),
            _calibration_error(np.array(new.confidences), true == second),
        )
    return Comparison(
        n=len(true),
        groups=len(set(groups)),
        balanced_accuracy=change(
            lambda i: balanced_accuracy(true[i], first[i]),
            lambda i: balanced_accuracy(true[i], second[i]),
        ),
        calibration_error=calibration,
    )


def _calibration_error(confidences: NDArray[np.float64], right: NDArray[np.bool_]) -> Figure:
    return lambda i: expected_calibration_error(confidences[i], right[i])
