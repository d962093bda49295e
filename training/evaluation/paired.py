"""Compare two models on the same clips: a paired bootstrap that draws whole groups.

What both get right or wrong together says nothing of which is better, so the interval of
the difference is narrower than the intervals of the two figures (Efron and Tibshirani 1993).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from service.inference.card import Estimate
from training.evaluation.metrics import balanced_accuracy, bootstrap, resamples, with_interval

Labels = NDArray[np.int64]


class Comparison(BaseModel):
    """Balanced accuracies of an old and a new model, and their difference."""

    n: int
    groups: int
    old: Estimate
    new: Estimate
    difference: Estimate

    def summary(self) -> str:
        """Return it in a line."""
        return (
            f"balanced accuracy {self.old.value:.3f} before, {self.new.value:.3f} now: "
            f"{with_interval(self.difference, '+.3f')} on {self.n} clips of {self.groups} groups"
        )


def compare_answers(
    truth: Sequence[str], old: Sequence[str], new: Sequence[str], groups: Sequence[str]
) -> Comparison:
    """Compare what two models answered about the same clips; there is at least one.

    Parameters
    ----------
    truth, old, new
        The true label of each clip, and what each model answered.
    groups
        Artist, album, player or guitar of each.
    """
    names = sorted({*truth, *old, *new})
    true, first, second = (
        np.array([names.index(label) for label in labels], dtype=np.int64)
        for labels in (truth, old, new)
    )
    samples = resamples(groups, seed=0)

    def of(answers: Labels, i: NDArray[np.int64]) -> float:
        return balanced_accuracy(true[i], answers[i])

    return Comparison(
        n=len(true),
        groups=len(set(groups)),
        old=bootstrap(lambda i: of(first, i), samples, len(true)),
        new=bootstrap(lambda i: of(second, i), samples, len(true)),
        difference=bootstrap(lambda i: of(second, i) - of(first, i), samples, len(true)),
    )
