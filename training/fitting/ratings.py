"""Predict how listeners rate music on a scale, from what a pretrained network hears.

A straight line is fitted to the mean embedding of a clip by ridge regression (Hoerl and
Kennard 1970), and says of each window what it says of the clip, so that the service can
average. Collections asked different questions of different people: what is learned is a
clip's rank within its collection, and it is measured on collections that were not
learned from.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray
from scipy.stats import rankdata

from service.inference.card import Rating, RatingCheck
from training.data.cache import FeatureCache
from training.data.filter_banks import make_bank
from training.data.preparation import prepare
from training.data.scales import RatedClips, Scale, read_ratings
from training.evaluation.metrics import correlation
from training.fitting.counting import cut_counting
from training.fitting.linear_head import STILL
from training.recipes import Recipe

# Of the ridge, relative to the mean eigenvalue of a clip's own products; 1 to 10 are alike.
PENALTY = 3.0

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Heard:
    """Rated clips as the backbone heard them.

    Attributes
    ----------
    rated
        The clips and their ratings.
    embeddings
        Mean over each clip's windows, shape [clips, units].
    """

    rated: RatedClips
    embeddings: Array

    @property
    def data_sets(self) -> NDArray[np.str_]:
        """The collection of each clip, shape [clips]."""
        return np.array([clip.data_set for clip in self.rated.clips])


@dataclass(frozen=True)
class Line:
    """A line through what was rated: ``embeddings @ weights + bias``."""

    weights: Array
    bias: float

    def predict(self, embeddings: Array) -> Array:
        """Return the ratings of clips, shape [clips]; some may lie beyond 0 and 1."""
        return embeddings @ self.weights + self.bias


def hear(
    recipe: Recipe,
    scales: Sequence[Scale],
    data: Sequence[Path],
    cache: FeatureCache,
    backbone: keras.Model,
    cluster: str | None = None,
) -> Heard:
    """Read all rated clips and let the backbone listen to them.

    Parameters
    ----------
    recipe
        Its features and windows.
    scales
        What to look for.
    data
        Folders, of which some may have a list of ratings.
    cache
        Where features are kept.
    backbone
        From windows to embeddings.
    cluster
        Dask scheduler to compute features on; this machine without one.
    """
    rated = read_ratings(data, scales)
    if not rated.clips:
        return Heard(rated, np.zeros((0, 0)))
    features = recipe.inputs.features
    done = prepare(rated.clips, features, make_bank(features), cache, cluster).clips
    value_of = dict(zip((c.source.name for c in rated.clips), rated.values, strict=True))
    means = [
        backbone.predict_on_batch(cut_counting(p.grid, recipe)).mean(axis=0).ravel() for p in done
    ]
    clips = [p.clip for p in done]
    values = np.array([value_of[clip.source.name] for clip in clips])
    kept = RatedClips(clips, values.reshape(len(clips), len(scales)))
    return Heard(kept, np.array(means, dtype=np.float64).reshape(len(clips), -1))


def measure(heard: Heard, scales: Sequence[Scale]) -> list[Rating]:
    """Hold each collection out in turn and compare what is predicted of it with its ratings."""
    return [
        Rating(name=scale.name, meaning=scale.meaning, evaluation=_checks(heard, column))
        for column, scale in enumerate(scales)
    ]


def summaries(ratings: Sequence[Rating]) -> list[str]:
    """Return a line for people on each check."""
    return [
        f"{rating.name}, learned from {check.learned_from}: correlation "
        f"{check.correlation.value:.2f} ({check.correlation.low:.2f} to "
        f"{check.correlation.high:.2f}) on {check.n} clips of {check.data_set}"
        for rating in ratings
        for check in rating.evaluation
    ]


def ratings_network(heard: Heard, scales: Sequence[Scale]) -> keras.Model:
    """Fit each scale on all that was rated; return the lines as a network on embeddings.

    Returns
    -------
    keras.Model
        From embedded windows [1, units] to ratings [scales].
    """
    lines = []
    for column in range(len(scales)):
        known = ~np.isnan(heard.rated.values[:, column])
        ranks = _ranks(heard.rated.values[known, column], heard.data_sets[known])
        lines.append(fit_line(heard.embeddings[known], ranks))
    window = keras.Input((1, heard.embeddings.shape[1]), name="window")
    dense = layers.Dense(len(lines), name="ratings")
    network = keras.Model(window, dense(layers.Flatten()(window)), name="ratings")
    weights = np.stack([line.weights for line in lines], axis=1)
    dense.set_weights([weights, np.array([line.bias for line in lines])])
    return network


def fit_line(embeddings: Array, values: Array, penalty: float = PENALTY) -> Line:
    """Fit a line by ridge regression on standardised embeddings, in its dual form.

    Parameters
    ----------
    embeddings
        Shape [clips, units]; there may be more units than clips.
    values
        Shape [clips].
    penalty
        Above 0; the higher, the flatter.
    """
    mean, spread = embeddings.mean(axis=0), embeddings.std(axis=0)
    # Units that hardly move tell nothing, and would be blown up to count like the others.
    scale = np.maximum(spread, STILL)
    standard = (embeddings - mean) / scale
    units = embeddings.shape[1]
    products = standard @ standard.T / units
    dual = np.linalg.solve(products + penalty * np.eye(len(values)), values - values.mean())
    weights = standard.T @ dual / units / scale
    return Line(weights, float(values.mean() - mean @ weights))


def _checks(heard: Heard, column: int) -> list[RatingCheck]:
    known = ~np.isnan(heard.rated.values[:, column])
    values, data_sets = heard.rated.values[known, column], heard.data_sets[known]
    embeddings = heard.embeddings[known]
    groups = np.array([clip.group for clip in heard.rated.clips])[known]
    names = sorted(set(data_sets.tolist()))
    found = []
    for name in names if len(names) > 1 else ():
        test = data_sets == name
        line = fit_line(embeddings[~test], _ranks(values[~test], data_sets[~test]))
        found.append(
            RatingCheck(
                learned_from=", ".join(other for other in names if other != name),
                data_set=name,
                n=int(test.sum()),
                correlation=correlation(
                    line.predict(embeddings[test]),
                    values[test],
                    groups[test].tolist(),
                ),
            )
        )
    return found


def _ranks(values: Array, data_sets: NDArray[np.str_]) -> Array:
    """Return the share of each collection's clips that are rated lower, shape [clips]."""
    ranks = np.empty(len(values))
    for name in np.unique(data_sets):
        own = data_sets == name
        ranks[own] = (rankdata(values[own]) - 0.5) / own.sum()
    return ranks
