"""Turn the fold results of a run into the figures of a card: pooled and by data set."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from service.inference.bundle import calibrated
from service.inference.card import Calibration, Evaluation, LengthCalibration
from training.errors import TrainingError
from training.evaluation.calibration import fit_mixture, fit_temperature, fit_uncertain_below
from training.evaluation.metrics import Predictions, score
from training.fitting.fold_result import FoldResult
from training.fitting.run_folder import HELD_BACK_FOLD, RunFolder
from training.recipes import Recipe

MIN_CLIPS = 20
# Fewer tell too little of a temperature.
MIN_CLIPS_OF_A_LENGTH = 100
# Of what whole clips tell beyond the commonest label; what is so short that it tells less makes any
# answer uncertain.
LEAST_TOLD = 1 / 3
UNCALIBRATED = Calibration(temperature=1.0, uncertain_below=0.0, fitted_on="nothing")
SLIGHTLY_FLATTERED = "so the calibration errors are slightly too good"
FLATTERED = "chosen for small calibration errors too, which look too good"
FILE_PROTOCOL = (
    "by file, which flatters: the data do not name the group (artist, album, player) of every "
    "clip, so what one artist made may be on both sides; copies of one recording are kept together"
)
LIST_PROTOCOL = "the official validation list, judged by the shipped network, which never saw it"


@dataclass(frozen=True)
class Unseen:
    """What networks said about clips whose groups they never saw, one entry per clip."""

    data_sets: NDArray[np.str_]
    groups: NDArray[np.str_]
    truth: NDArray[np.int64]
    logits: NDArray[np.float32]
    heard_s: NDArray[np.float64]

    @classmethod
    def of(cls, folds: Sequence[FoldResult]) -> "Unseen":
        """Join fold results."""
        return cls(
            np.concatenate([np.asarray(fold.data_sets) for fold in folds]),
            np.concatenate([np.asarray(fold.groups) for fold in folds]),
            np.concatenate([fold.truth for fold in folds]),
            np.concatenate([fold.logits for fold in folds]),
            np.concatenate([fold.durations_s for fold in folds]),
        )

    @classmethod
    def cut(cls, folds: Sequence[FoldResult]) -> "Iterator[tuple[float, Unseen]]":
        """Join what was said about the clips cut to each length, the shortest first."""
        whole = cls.of(folds)
        for number, cut_s in enumerate(folds[0].cuts_s.tolist()):
            logits = np.concatenate([fold.cut_logits[number] for fold in folds])
            cut = replace(whole, logits=logits, heard_s=np.full(len(logits), cut_s))
            yield cut_s, cut.only(~np.isnan(logits).any(axis=1))

    def only(self, which: NDArray[np.bool_]) -> "Unseen":
        """Return some of the clips."""
        return Unseen(
            self.data_sets[which],
            self.groups[which],
            self.truth[which],
            self.logits[which],
            self.heard_s[which],
        )

    def predictions(self, calibration: Calibration) -> Predictions:
        """Return calibrated predictions."""
        probabilities = np.stack(
            [
                calibrated(row, calibration, None if np.isnan(heard_s) else heard_s)
                for row, heard_s in zip(self.logits, self.heard_s.tolist(), strict=True)
            ]
        )
        return Predictions(probabilities, self.truth, self.groups.tolist())


def calibrate(run: RunFolder) -> Calibration:
    """Fit temperatures and threshold on all clips that a network judged unseen."""
    folds = _folds(run)
    unseen = Unseen.of(folds)
    n_labels = unseen.logits.shape[1]
    label_shares = np.bincount(unseen.truth, minlength=n_labels) / len(unseen.truth)
    by_length = _by_length(folds, label_shares)
    calibration = Calibration(
        temperature=round(fit_temperature(unseen.logits, unseen.truth), 4),
        by_length=by_length,
        label_shares=label_shares.round(4).tolist(),
        uncertain_below=0.0,
        fitted_on=f"{len(unseen.truth)} validation clips, those of the figures in this card: a few "
        f"numbers over all of them, {FLATTERED if by_length else SLIGHTLY_FLATTERED}",
    )
    threshold = fit_uncertain_below(unseen.predictions(calibration).confidences)
    up_to_s = _uncertain_up_to_s(folds, calibration)
    return calibration.model_copy(
        update={"uncertain_below": threshold, "uncertain_up_to_s": up_to_s}
    )


def evaluations(
    recipe: Recipe, run: RunFolder, calibration: Calibration, protocol: str | None = None
) -> list[Evaluation]:
    """Return the card's figures: the official list, the folds pooled, by subset, set and length.

    Parameters
    ----------
    recipe, run
        What was trained.
    calibration
        How their logits become probabilities.
    protocol
        How the folds were made, in words; by default as the recipe says.
    """
    folds, protocol = _folds(run), protocol or _protocol(recipe, run)
    listed = [fold for fold in folds if fold.name == HELD_BACK_FOLD]
    crossed = [fold for fold in folds if fold.name != HELD_BACK_FOLD]
    found = []
    for fold in listed:
        name = f"{', '.join(sorted(set(fold.data_sets)))} validation list"
        found.append(_evaluation(recipe, Unseen.of([fold]), name, LIST_PROTOCOL, calibration))
    if not crossed:
        return found
    unseen = Unseen.of(crossed)
    found.append(_evaluation(recipe, unseen, "all", protocol, calibration))
    for name, subset in recipe.validation.subsets:
        wanted = np.isin(unseen.truth, [recipe.labels.index(label) for label in subset])
        if wanted.any():
            part = unseen.only(wanted)
            found.append(_evaluation(recipe, part, f"all, {name}", protocol, calibration))
    for data_set in sorted(set(unseen.data_sets.tolist())):
        part = unseen.only(unseen.data_sets == data_set)
        if len(part.truth) >= MIN_CLIPS:
            found.append(_evaluation(recipe, part, data_set, protocol, calibration))
    for cut_s, part in _enough(crossed):
        name = f"all, cut to {cut_s:g} s"
        found.append(_evaluation(recipe, part, name, protocol, calibration))
    return found


def _by_length(
    folds: Sequence[FoldResult], label_shares: NDArray[np.float64]
) -> list[LengthCalibration]:
    """Calibrate the clips cut to each length, and the whole of longer ones."""
    whole = Unseen.of(folds)
    cuts = _enough(folds)
    if not cuts:
        return []
    longer = whole.only(whole.heard_s > cuts[-1][0])
    if len(longer.truth) >= MIN_CLIPS_OF_A_LENGTH:
        cuts.append((round(float(np.median(longer.heard_s)), 1), longer))
    found = []
    for heard_s, part in cuts:
        temperature, weight = fit_mixture(part.logits, part.truth, label_shares)
        found.append(
            LengthCalibration(
                heard_s=heard_s, temperature=round(temperature, 4), weight=round(weight, 2)
            )
        )
    return found


def _uncertain_up_to_s(folds: Sequence[FoldResult], calibration: Calibration) -> float:
    """Return the length up to which too little is told: hardly more than by the commonest label.

    Between two cuts it is where a line would cross that least, over the logarithm of the length.
    """

    def accuracy(part: Unseen) -> float:
        return float((part.predictions(calibration).answers == part.truth).mean())

    commonest = max(calibration.label_shares)
    least = commonest + LEAST_TOLD * (accuracy(Unseen.of(folds)) - commonest)
    lengths = [(cut_s, accuracy(part) - least) for cut_s, part in _enough(folds)]
    poor = [place for place, (_, beyond) in enumerate(lengths) if beyond < 0]
    if not poor:
        return 0.0
    (short_s, below), *longer = lengths[poor[-1] :]
    if not longer:
        return short_s
    long_s, above = longer[0]
    return float(round(short_s * (long_s / short_s) ** (below / (below - above)), 2))


def _enough(folds: Sequence[FoldResult]) -> list[tuple[float, Unseen]]:
    """Return the cuts that were long enough for enough clips."""
    return [(s, part) for s, part in Unseen.cut(folds) if len(part.truth) >= MIN_CLIPS_OF_A_LENGTH]


def _protocol(recipe: Recipe, run: RunFolder) -> str:
    return recipe.validation.protocol if run.record().grouped else FILE_PROTOCOL


def _evaluation(
    recipe: Recipe, unseen: Unseen, data_set: str, protocol: str, calibration: Calibration
) -> Evaluation:
    scores = score(unseen.predictions(calibration), recipe.labels)
    return Evaluation(data_set=data_set, protocol=protocol, **dict(scores))


def _folds(run: RunFolder) -> list[FoldResult]:
    folds = run.folds()
    if not folds:
        raise TrainingError(
            f"{run.path} has no fold results, so nothing can be calibrated or measured. "
            "Run fit without --no-folds, on data in which two labels or more have clips of two "
            "groups each, or which have a validation split."
        )
    return folds
