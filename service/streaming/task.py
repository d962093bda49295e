"""What one task's model says of a stream: of what sounds now, and of all that was heard."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from service.inference.bundle import Bundle, Embedding, Logits, Ratings
from service.inference.classification import Classification
from service.inference.context import append_context
from service.inference.softmax import Probabilities
from service.streaming.ears import OPEN_WINDOWS, ContextEar, QuickEar, WindowEar


@dataclass(frozen=True)
class Window:
    """What was heard in one window.

    Attributes
    ----------
    said
        Its logits, or for a bundle with a context, which changes them, its embedding.
    ratings, kinds
        What else the bundle says of it.
    loudest
        As of :class:`WindowEar`.
    """

    said: Logits | Embedding
    ratings: Ratings
    kinds: Probabilities
    loudest: float


class TaskEar:
    """Joins what is said about the windows of a stream.

    Parameters
    ----------
    bundle
        Who answers.
    ear
        Embeds its windows; bundles with the same embedding share one.
    context
        Hears its context, if it has one.
    quick
        Hears what sounds now, where that is not the last window.
    """

    def __init__(
        self,
        bundle: Bundle,
        ear: WindowEar,
        context: ContextEar | None = None,
        quick: QuickEar | None = None,
    ) -> None:
        self._bundle = bundle
        self._ear = ear
        self._context = context
        self._quick = quick
        self._open: deque[Window] = deque()
        self._newest: tuple[int, Window] | None = None
        # Of the older windows: how many count and how many do not, and the sums over the former.
        self._n_counted = 0
        self._n_silent = 0
        self._logits = np.zeros(len(bundle.card.labels))
        self._ratings = np.zeros(len(bundle.card.ratings))
        self._kinds = np.zeros(len(bundle.card.kinds.labels) if bundle.card.kinds else 0)

    def catch_up(self) -> None:
        """Take the windows that the ears have just heard."""
        for embedding, loudest in zip(self._ear.fresh, self._ear.loudest, strict=True):
            self._take(self._window(embedding, loudest))
        while len(self._open) > OPEN_WINDOWS:
            self._close(self._open.popleft())

    @property
    def label_now(self) -> int | None:
        """Index of what sounds now; None where nobody hears changes at once."""
        return None if self._quick is None else int(self._quick.said().argmax())

    def now(self, *, silent: bool) -> Classification:
        """Return what sounds now."""
        last, heard_s = self._last(), self._ear.last_s
        if self._quick is None:
            probabilities = self._bundle.probabilities(self._logits_of([last])[0], heard_s)
        else:
            probabilities = self._quick.said()
        ratings = np.clip(last.ratings, 0, 1)
        return Classification(self._bundle, probabilities, ratings, last.kinds, heard_s, silent)

    def so_far(self, heard_s: float, *, silent: bool) -> Classification:
        """Return the answer for all of the seconds that were heard."""
        windows = list(self._open)
        if self._ear.last_is_new:
            windows.append(self._last())
        counting = self._counting(windows)
        logits, ratings, kinds = self._logits, self._ratings, self._kinds
        if counting:
            logits = logits + self._logits_of(counting).sum(axis=0)
            ratings = ratings + np.sum([w.ratings for w in counting], axis=0)
            kinds = kinds + np.sum([w.kinds for w in counting], axis=0)
        n = self._n_counted + len(counting)
        n_silent = self._n_silent + len(windows) - len(counting)
        sounding_s = heard_s - n_silent * self._ear.stride_s - self._ear.left_out_s
        return Classification(
            self._bundle,
            self._bundle.probabilities(logits / n, sounding_s),
            np.clip(ratings / n, 0, 1).astype(np.float32),
            kinds / n,
            heard_s,
            silent,
        )

    def _take(self, window: Window) -> None:
        """Remember a window that the ear has just heard."""
        self._open.append(window)

    def _close(self, window: Window) -> None:
        """Keep what is said of a window that will not be thought over again."""
        if not self._counting([window]):
            self._n_silent += 1
            return
        self._n_counted += 1
        self._logits = self._logits + self._logits_of([window])[0]
        self._ratings = self._ratings + window.ratings
        self._kinds = self._kinds + window.kinds

    def _counting(self, windows: Sequence[Window]) -> list[Window]:
        """Return the windows that count in what is said of all, as those of a clip do."""
        if self._bundle.card.timeline is not None:
            return list(windows)
        sounding = self._ear.sounding([w.loudest for w in windows])
        return [w for w, sounds in zip(windows, sounding, strict=True) if sounds]

    def _last(self) -> Window:
        """Return the window that ends with the last frame."""
        n_frames = self._ear.n_frames
        if self._newest is None or self._newest[0] != n_frames:
            self._newest = n_frames, self._window(self._ear.last(), self._ear.last_loudest())
        return self._newest[1]

    def _window(self, embedding: Embedding, loudest: float) -> Window:
        said = embedding if self._context else self._bundle.run_embedded(embedding)
        ratings = self._bundle.rate_embedded(embedding)[0]
        return Window(said, ratings, self._bundle.kinds_embedded(embedding), loudest)

    def _logits_of(self, windows: Sequence[Window]) -> Logits:
        """Return the logits of windows, shape [n_windows, labels]."""
        said: NDArray[np.float32] = np.concatenate([w.said for w in windows])
        if self._context is None:
            return said
        return self._bundle.run_embedded(append_context(said, self._context.said()))
