"""Hear a recording as a song: what a network says of single windows, made sense of together.

A network that learned from single chords calls passing notes sevenths, and knows nothing of what is
usual. Here a small second network hears five neighbouring windows of what the first one said; and
the most probable sequence of labels is looked for among those that songs are made of in the key
that this one seems to be in. Labels are chords: moved by a semitone, each becomes another, so that
all twelve roots share the same weights and all keys of a mode the same numbers.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from service.errors import BundleError
from service.inference.softmax import Probabilities, softmax
from service.inference.viterbi import best_path

Array = NDArray[np.float64]

# Less probable than this is all the same to the second network, and to the key.
LEAST_PROBABILITY = 1e-5
LOG_SCALE = 3.0
LEAST_CHANGE = 1e-6
SPAN_WINDOWS = 64  # at a time, so that memory stays bounded


class SongSpec(BaseModel):
    """When a recording counts as a song, and how its labels follow each other."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    least_roots: int = Field(
        default=3,
        ge=2,
        description="So many different roots make a recording a song; with fewer "
        "its windows are joined as those of single chords are",
    )
    least_kept_roots: int = Field(
        default=1,
        ge=0,
        description="So often a root must stay where the label changes, a sign of passing notes; "
        "where none does, single windows are better trusted",
    )
    change_probability: float = Field(
        gt=0, lt=1, description="Chance that the label changes from one window to the next"
    )
    key_weight: float = Field(
        gt=0, le=1, description="How far each window counts for the key, since windows overlap"
    )


class SongSense:
    """The second network, and which label follows which.

    Parameters
    ----------
    arrays
        ``seen_from`` [roots, labels]: the labels in the order that each root sees them, those on
        the root first, those without a root last. ``hidden`` and ``hidden_bias``, ``output`` and
        ``output_bias``, ``rootless`` and ``rootless_bias``, ``own``: weights of the network.
        ``offsets``: which windows it hears, counted from the one it names. ``common`` [modes,
        labels], ``change`` [modes, labels, labels], ``modes`` [modes]: how much of the time each
        label sounds in a key on the first root, which one follows which, how common the mode is.
    spec
        See :class:`SongSpec`.
    """

    def __init__(self, arrays: Mapping[str, NDArray[np.generic]], spec: SongSpec) -> None:
        self.spec = spec
        self.seen_from = np.asarray(arrays["seen_from"], np.int64)
        self._w = {name: np.asarray(a, np.float64) for name, a in arrays.items()}
        self._offsets = np.asarray(arrays["offsets"], np.int64)
        n_roots, n_labels = self.seen_from.shape
        n_qualities = self._w["output"].shape[1]
        self._root_of = np.full(n_labels, -1)
        self._root_of[self.seen_from[:, :n_qualities]] = np.arange(n_roots)[:, np.newaxis]
        self._common = self._in_all_keys(self._w["common"])
        self._change = self._in_all_keys(self._w["change"])
        self._modes = np.repeat(self._w["modes"], len(self.seen_from))

    @classmethod
    def load(cls, file: Path, spec: SongSpec, n_labels: int) -> Self:
        """Read the numbers of a bundle.

        Raises
        ------
        BundleError
            They are not such numbers, or about other labels.
        """
        try:
            with np.load(file, allow_pickle=False) as arrays:
                sense = cls(dict(arrays), spec)
            sense.heard(np.full((1, n_labels), 1 / n_labels))
        except (ValueError, KeyError, IndexError, OSError) as error:
            raise BundleError(
                f"{file.name} does not fit the labels of its card: {error}"
            ) from error
        return sense

    def is_song(self, path: NDArray[np.int64]) -> bool:
        """Tell whether labels that follow each other are those of a song."""
        roots = self._root_of[path]
        kept = (np.diff(roots) == 0) & (np.diff(path) != 0) & (roots[1:] >= 0)
        n_roots = len(set(roots[roots >= 0].tolist()))
        return n_roots >= self.spec.least_roots and int(kept.sum()) >= self.spec.least_kept_roots

    def heard(self, probabilities: Probabilities) -> Probabilities:
        """Return what the windows of a song say with their neighbours, shape [n_windows, labels].

        Parameters
        ----------
        probabilities
            What the first network says of each window, of the same shape.
        """
        logs = scaled_logs(probabilities)
        places = np.arange(len(logs))[:, np.newaxis] + self._offsets
        places = np.clip(places, 0, len(logs) - 1)
        spans = range(0, len(logs), SPAN_WINDOWS)
        said = np.concatenate([self._say(logs[places[n : n + SPAN_WINDOWS]]) for n in spans])
        return softmax(said)

    def keys(self, probabilities: Probabilities) -> Array:
        """Return how probable each key is, shape [modes, roots]."""
        seconds = np.maximum(probabilities @ self._common.T, LEAST_PROBABILITY)
        logs = self.spec.key_weight * np.log(seconds).sum(axis=0) + np.log(self._modes)
        return softmax(logs).reshape(-1, len(self.seen_from))

    def path(self, probabilities: Probabilities) -> NDArray[np.int64]:
        """Return the labels of the most probable sequence, shape [n_windows].

        Parameters
        ----------
        probabilities
            What :meth:`heard` returned.
        """
        change = np.tensordot(self.keys(probabilities).ravel(), self._change, 1)
        steps = np.log(change + LEAST_CHANGE) + np.log(self.spec.change_probability)
        np.fill_diagonal(steps, np.log(1 - self.spec.change_probability))
        return best_path(probabilities, steps)

    def _say(self, around: Array) -> Array:
        """Return logits, shape [n, labels], for windows with their neighbours."""
        n_roots, n_labels = self.seen_from.shape
        weights = self._w
        n_qualities = weights["output"].shape[1]
        seen = around[:, :, self.seen_from].transpose(0, 2, 1, 3).reshape(len(around), n_roots, -1)
        hidden = np.maximum(seen @ weights["hidden"] + weights["hidden_bias"], 0)
        said = np.empty((len(around), n_labels))
        said[:, self.seen_from[:, :n_qualities]] = (
            hidden @ weights["output"] + weights["output_bias"]
        )
        rest = self.seen_from[0, n_roots * n_qualities :]
        rootless = np.einsum("noc,o->nc", around[:, :, rest], weights["rootless"])
        said[:, rest] = rootless + weights["rootless_bias"]
        middle = int(np.flatnonzero(self._offsets == 0)[0])
        return said + weights["own"] * around[:, middle]

    def _in_all_keys(self, of_first: Array) -> Array:
        """Move what holds in keys on the first root to all, mode by mode, root by root."""
        up = np.empty(self.seen_from.shape[1], np.int64)
        up[self.seen_from[0]] = self.seen_from[1]
        moved = []
        for mode in of_first:
            here = mode
            for _ in self.seen_from:
                moved.append(here)
                there = np.empty_like(here)
                there[np.ix_(*[up] * here.ndim)] = here
                here = there
        return np.stack(moved)


def scaled_logs(probabilities: Probabilities) -> Probabilities:
    """Return what the second network hears of what the first one says, of the same shape."""
    logs: Probabilities = np.log(np.maximum(probabilities, LEAST_PROBABILITY)) / LOG_SCALE + 1
    return logs
