"""What one task's model says of a stream: of what sounds now, and of all that was heard."""

from collections import deque

import numpy as np

from service.inference.bundle import Bundle, Embedding, Logits
from service.inference.classification import Classification
from service.inference.context import append_context
from service.streaming.ears import ContextEar, QuickEar, WindowEar

# What a window means changes with the context that is heard later. So many are thought over each
# time, a quarter of an hour of music; what was said of older ones stays.
OPEN_WINDOWS = 256


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
        self._open: deque[Embedding] = deque()
        self._n_windows = 0
        self._closed_logits = np.zeros(len(bundle.card.labels))
        self._ratings = np.zeros(len(bundle.card.ratings))
        self._kinds = np.zeros(len(bundle.card.kinds.labels) if bundle.card.kinds else 0)

    def catch_up(self) -> None:
        """Take the windows that the ears have just heard."""
        for embedding in self._ear.fresh:
            self._n_windows += 1
            self._ratings += self._bundle.rate_embedded(embedding)[0]
            self._kinds += self._bundle.kinds_embedded(embedding)
            self._open.append(embedding)
        n_open = 0 if self._context is None else OPEN_WINDOWS
        while len(self._open) > n_open:
            self._close(self._logits([self._open.popleft()])[0])

    @property
    def label_now(self) -> int | None:
        """Index of what sounds now; None where nobody hears changes at once."""
        return None if self._quick is None else int(self._quick.said().argmax())

    def now(self, *, silent: bool) -> Classification:
        """Return what sounds now."""
        last, heard_s = self._ear.last(), self._ear.last_s
        if self._quick is None:
            probabilities = self._bundle.probabilities(self._logits([last])[0], heard_s)
        else:
            probabilities = self._quick.said()
        ratings = np.clip(self._bundle.rate_embedded(last)[0], 0, 1)
        kinds = self._bundle.kinds_embedded(last)
        return Classification(self._bundle, probabilities, ratings, kinds, heard_s, silent)

    def so_far(self, heard_s: float, *, silent: bool) -> Classification:
        """Return the answer for all of the seconds that were heard."""
        windows, n_windows = list(self._open), self._n_windows
        ratings, kinds = self._ratings, self._kinds
        if self._ear.last_is_new:
            last = self._ear.last()
            windows.append(last)
            n_windows += 1
            ratings = ratings + self._bundle.rate_embedded(last)[0]
            kinds = kinds + self._bundle.kinds_embedded(last)
        logits = self._closed_logits
        if windows:
            logits = logits + self._logits(windows).sum(axis=0)
        probabilities = self._bundle.probabilities(logits / n_windows, heard_s)
        mean_ratings = np.clip(ratings / n_windows, 0, 1).astype(np.float32)
        return Classification(
            self._bundle, probabilities, mean_ratings, kinds / n_windows, heard_s, silent
        )

    def _close(self, logits: Logits) -> None:
        """Keep what is said of a window that will not be thought over again."""
        self._closed_logits += logits

    def _logits(self, embeddings: list[Embedding]) -> Logits:
        embedding = np.concatenate(embeddings)
        if self._context is not None:
            embedding = append_context(embedding, self._context.said())
        return self._bundle.run_embedded(embedding)
