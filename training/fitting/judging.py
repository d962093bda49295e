"""Judge a fitted network on clips that it never saw, whole and cut short."""

import logging
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from training.data.clip_keys import clip_keys
from training.fitting.clip_logits import clip_logits
from training.fitting.cuts import Lengths
from training.fitting.fit_network import Fitted
from training.fitting.fold_result import FoldResult
from training.fitting.items import Material
from training.recipes import Recipe

logger = logging.getLogger(__name__)


def judge(
    recipe: Recipe,
    material: Material,
    fitted: Fitted,
    test: Sequence[int],
    name: str,
    lengths: Lengths | None = None,
) -> FoldResult:
    """Ask a fitted network about clips that it never saw, and about what they are cut to."""
    keys = clip_keys([(c.data_set, c.group, c.source.name) for c in material.clips])
    data_sets, groups, clip_names = zip(*(keys[i] for i in test), strict=True)
    items = [material.items[i] for i in test]
    lengths = lengths or Lengths(np.full(len(material.clips), np.nan), {})
    result = FoldResult(
        name=name,
        clip_names=list(clip_names),
        data_sets=list(data_sets),
        groups=list(groups),
        truth=np.array([item.label for item in items]),
        logits=clip_logits(fitted.network, [i.grids[0] for i in items], recipe),
        durations_s=lengths.durations_s[list(test)],
        cuts_s=np.array(list(lengths.cuts), dtype=np.float64),
        cut_logits=_cut_logits(fitted, lengths, test, recipe),
    )
    right = (result.logits.argmax(axis=1) == result.truth).mean()
    logger.info("%s %s: %.1f%% of %d clips", recipe.task, name, 100 * right, len(test))
    return result


def _cut_logits(
    fitted: Fitted, lengths: Lengths, test: Sequence[int], recipe: Recipe
) -> NDArray[np.float32]:
    """Return the logits of cut clips, shape [cuts, clips, labels]; NaN for those no longer."""
    shape = len(lengths.cuts), len(test), len(recipe.labels)
    logits = np.full(shape, np.nan, dtype=np.float32)
    for number, grids in enumerate(lengths.cuts.values()):
        known = [place for place, i in enumerate(test) if i in grids]
        if known:
            heard = [grids[test[place]] for place in known]
            logits[number, known] = clip_logits(fitted.network, heard, recipe)
    return logits
