"""Turn the fold results of a run into the figures of a card: pooled and by data set."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from service.inference.bundle import softmax
from service.inference.card import Calibration, Evaluation
from training.errors import TrainingError
from training.evaluation.calibration import fit_temperature, fit_uncertain_below
from training.evaluation.metrics import Predictions, score
from training.fitting.fit_job import HELD_BACK_FOLD
from training.fitting.run_folder import FoldResult, RunFolder
from training.recipes import Recipe

MIN_CLIPS = 20
LIST_PROTOCOL = "the official validation list, judged by the shipped network, which never saw it"


@dataclass(frozen=True)
class Unseen:
    """What networks said about clips whose groups they never saw, one entry per clip."""

    data_sets: NDArray[np.str_]
    groups: NDArray[np.str_]
    truth: NDArray[np.int64]
    logits: NDArray[np.float32]

    @classmethod
    def of(cls, folds: Sequence[FoldResult]) -> "Unseen":
        """Join fold results."""
        return cls(
            np.concatenate([np.asarray(fold.data_sets) for fold in folds]),
            np.concatenate([np.asarray(fold.groups) for fold in folds]),
            np.concatenate([fold.truth for fold in folds]),
            np.concatenate([fold.logits for fold in folds]),
        )

    def only(self, which: NDArray[np.bool_]) -> "Unseen":
        """Return some of the clips."""
        return Unseen(
            self.data_sets[which], self.groups[which], self.truth[which], self.logits[which]
        )

    def predictions(self, temperature: float) -> Predictions:
        """Return calibrated predictions."""
        return Predictions(softmax(self.logits / temperature), self.truth, self.groups.tolist())


def calibrate(run: RunFolder) -> Calibration:
    """Fit temperature and threshold on all clips that a network judged unseen."""
    unseen = Unseen.of(_folds(run))
    temperature = fit_temperature(unseen.logits, unseen.truth)
    confidences = unseen.predictions(temperature).confidences
    return Calibration(
        temperature=round(temperature, 4),
        uncertain_below=fit_uncertain_below(confidences),
        fitted_on=f"{len(unseen.truth)} validation clips, those of the figures in this card: one "
        "number over all of them, so the calibration errors are slightly too good",
    )


def evaluations(
    recipe: Recipe, run: RunFolder, temperature: float, protocol: str | None = None
) -> list[Evaluation]:
    """Return the card's figures: the official list, the folds pooled, by data set, by subset.

    Parameters
    ----------
    recipe, run
        What was trained.
    temperature
        Of its calibration.
    protocol
        How the folds were made, in words; by default as the recipe says.
    """
    folds, protocol = _folds(run), protocol or recipe.validation.protocol
    listed = [fold for fold in folds if fold.name == HELD_BACK_FOLD]
    crossed = [fold for fold in folds if fold.name != HELD_BACK_FOLD]
    found = []
    for fold in listed:
        name = f"{', '.join(sorted(set(fold.data_sets)))} validation list"
        found.append(_evaluation(recipe, Unseen.of([fold]), name, LIST_PROTOCOL, temperature))
    if not crossed:
        return found
    unseen = Unseen.of(crossed)
    found.append(_evaluation(recipe, unseen, "all", protocol, temperature))
    for name, subset in recipe.validation.subsets:
        wanted = np.isin(unseen.truth, [recipe.labels.index(label) for label in subset])
        if wanted.any():
            part = unseen.only(wanted)
            found.append(_evaluation(recipe, part, f"all, {name}", protocol, temperature))
    for data_set in sorted(set(unseen.data_sets.tolist())):
        part = unseen.only(unseen.data_sets == data_set)
        if len(part.truth) >= MIN_CLIPS:
            found.append(_evaluation(recipe, part, data_set, protocol, temperature))
    return found


def _evaluation(
    recipe: Recipe, unseen: Unseen, data_set: str, protocol: str, temperature: float
) -> Evaluation:
    scores = score(unseen.predictions(temperature), recipe.labels)
    return Evaluation(data_set=data_set, protocol=protocol, **dict(scores))


def _folds(run: RunFolder) -> list[FoldResult]:
    folds = run.folds()
    if not folds:
        raise TrainingError(
            f"{run.path} has no fold results, so nothing can be calibrated or measured. "
            "Run fit without --no-folds, or give data with a validation split."
        )
    return folds
