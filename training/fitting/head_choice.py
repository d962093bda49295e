"""Choose what stands on a pretrained network, by groups held out of what it learns from.

Of a few dozen clips a hidden layer learns less than a linear one, whose strictness matters most;
of many it may learn more. Which it is depends on the clips, so each is tried: linear layers of
several strictnesses, and a short training of the recipe's own network. The clips that the head is
judged on afterwards are not among those that it is chosen by, so the figures stay honest.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import compress

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from service.inference.softmax import softmax
from training.data.labels import OUTSIDE
from training.data.splits import group_folds
from training.evaluation.calibration import fit_temperature
from training.fitting.items import Item
from training.fitting.linear_head import Heard, Path, with_known_label
from training.fitting.rehearsal import Rehearsal
from training.fitting.trials import HeadChoice, Trial
from training.recipes import Recipe
from training.recipes.fit_settings import CHOSEN

logger = logging.getLogger(__name__)

# From strict to loose, which takes longest: it ends where it has become worse this often.
PENALTIES = (10.0, 3.0, 1.0, 0.3, 0.1, 0.03, 0.01)
WORSE_TO_END = 2
MIDDLE = PENALTIES[len(PENALTIES) // 2]
INNER_FOLDS = 3
# By so much of its loss a linear layer must beat the recipe's network, which stays otherwise.
CLEARLY = 0.01

Logits = NDArray[np.floating]


@dataclass(frozen=True)
class _Fold:
    """Which items to learn from, and which of the others to judge; both shape [items]."""

    learned: NDArray[np.bool_]
    judged: NDArray[np.bool_]


def choose_head(items: Sequence[Item], recipe: Recipe, seed: int) -> HeadChoice:
    """Return the head with the least log loss on groups held out in turn.

    Where it is nearly the same, the recipe's network stays.

    Parameters
    ----------
    items
        What the head will learn from; their grids are the embeddings of their windows.
    recipe
        Says whether its own network is tried as well.
    seed
        Of the folds, and of the network's training.
    """
    known = with_known_label(items)
    folds = list(_folds(known, seed))
    if not folds:
        return HeadChoice(penalty=MIDDLE)
    trials = _linear_trials(known, folds, len(recipe.labels))
    best = min(trials, key=lambda trial: trial.log_loss)
    if recipe.fit.head == CHOSEN:
        own = _network_trial(items, known, folds, recipe, seed)
        trials.append(own)
        if best.log_loss > (1 - CLEARLY) * own.log_loss:
            best = own
    clips = int(sum(fold.judged.sum() for fold in folds))
    return HeadChoice(penalty=best.penalty, trials=trials, clips=clips)


def _folds(items: Sequence[Item], seed: int) -> Iterator[_Fold]:
    """Hold out groups in turn; sounds that have no label are always learned from.

    A clip is judged only where its label could be learned.
    """
    labels = np.array([item.label for item in items])
    own = np.flatnonzero(labels != OUTSIDE)
    n_groups = len({items[i].group for i in own.tolist()})
    if n_groups < 2:
        return
    fold_of = np.full(len(items), -1)
    fold_of[own] = group_folds([items[i] for i in own.tolist()], min(INNER_FOLDS, n_groups), seed)
    for fold in sorted(set(fold_of[own])):
        learned = fold_of != fold
        judged = ~learned & np.isin(labels, labels[learned])
        if judged.any():
            yield _Fold(learned, judged)


def _linear_trials(items: Sequence[Item], folds: Sequence[_Fold], n_labels: int) -> list[Trial]:
    heard = Heard.of(items, n_labels)
    paths = [Path(heard.only(fold.learned)) for fold in folds]
    trials: list[Trial] = []
    worse = 0
    for penalty in tqdm(PENALTIES, desc="trying linear heads", unit="head", leave=False):
        logits = [
            path.head(penalty).logits(heard.embeddings[fold.judged])
            for path, fold in zip(paths, folds, strict=True)
        ]
        trial = _trial(penalty, logits, items, folds)
        worse = worse + 1 if trials and trial.log_loss > trials[-1].log_loss else 0
        trials.append(trial)
        if worse == WORSE_TO_END:
            break
    return trials


def _network_trial(
    items: Sequence[Item],
    known: Sequence[Item],
    folds: Sequence[_Fold],
    recipe: Recipe,
    seed: int,
) -> Trial:
    """Try the recipe's network, which also learns from clips whose label is unknown."""
    rehearsal = Rehearsal(recipe, items, seed)
    logits = []
    for fold in tqdm(folds, desc="trying the network", unit="training", leave=False):
        left_out = {item.group for item in compress(known, ~fold.learned)}
        learned = [item for item in items if item.group not in left_out]
        logits.append(rehearsal.logits(learned, list(compress(known, fold.judged))))
    return _trial(None, logits, known, folds)


def _trial(
    penalty: float | None,
    logits: Sequence[Logits],
    items: Sequence[Item],
    folds: Sequence[_Fold],
) -> Trial:
    judged = [item for fold in folds for item in compress(items, fold.judged)]
    truth = np.array([item.label for item in judged])
    weights = np.array([item.weight for item in judged])
    said = np.concatenate(logits)
    likely = softmax(said / fit_temperature(said, truth))[np.arange(len(truth)), truth]
    return Trial(
        penalty=penalty,
        log_loss=float(weights @ -np.log(np.maximum(likely, 1e-12)) / weights.sum()),
        accuracy=float((said.argmax(axis=1) == truth).mean()),
    )
