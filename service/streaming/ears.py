"""Hear each window of a stream once, and keep running totals of what was said about them.

What these classes say of all that was heard is what :mod:`service.inference.classification` says
of a clip of that length, except that levels are relative to the loudest of the seconds before.
"""

from collections import deque
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from service.inference.bundle import Bundle
from service.inference.context import Context
from service.inference.network import Answers
from service.inference.softmax import Probabilities
from service.inference.windows import Windows, WindowSpec, cut_counting_windows, end_in_silence
from service.streaming.protocol import ANSWER_S
from service.streaming.spectrum import Spectrum

# What is heard of a chord to name it while it sounds. Shorter stretches are named no sooner and
# less well, longer ones later.
NOW_S = 0.45
# Whether a window counts changes with what is loud later, and what it means with the context heard
# later. So many are thought over each time, some ten minutes of music; what was said of older
# ones stays.
OPEN_WINDOWS = 256


class WindowEar:
    """Runs a network once for each window of a waveform, and for the one that ends now.

    Parameters
    ----------
    spectrum
        Where the windows come from.
    spec
        How they lie.
    run
        The network.
    """

    def __init__(
        self, spectrum: Spectrum, spec: WindowSpec, run: Callable[[Windows], Answers]
    ) -> None:
        self._spectrum = spectrum
        self._spec = spec
        self._run = run
        self._next_start = 0
        # Where the newest window ends, the answer to it, and how many of its frames sound.
        self._last: tuple[int, Answers, int] | None = None
        self._loudest_of_all = 0.0
        self.fresh: list[Answers] = []
        self.loudest: list[float] = []

    def catch_up(self) -> None:
        """Hear the windows that have become complete.

        ``fresh`` are the answers to them, ``loudest`` what :meth:`Spectrum.loudest` tells of them.
        """
        self.fresh, self.loudest = [], []
        while self._next_start + self._spec.frames <= self._spectrum.n_frames:
            start, stop = self._next_start, self._next_start + self._spec.frames
            self._last = self._hear(start, stop)
            self.fresh.append(self._last[1])
            self.loudest.append(self._spectrum.loudest(start, stop))
            self._next_start += self._spec.stride_frames
        self._loudest_of_all = max([self._loudest_of_all, *self.loudest])

    def last(self) -> Answers:
        """Return the answer to the window that ends with the last frame, shape [1, ...]."""
        return self._newest()[1]

    def last_loudest(self) -> float:
        """Return what :meth:`Spectrum.loudest` tells of the window of :meth:`last`."""
        return self._spectrum.loudest(*self._last_stretch())

    def sounding(self, loudest: Sequence[float]) -> NDArray[np.bool_]:
        """Tell in which windows something sounds, by what ``loudest`` told of each of them.

        It is far below the loudest window until now, or of these, where nothing does.
        """
        of_all = max([self._loudest_of_all, *loudest])
        return self._spectrum.sounding(np.array(loudest, np.float32), of_all)

    @property
    def n_frames(self) -> int:
        """Frames until now."""
        return self._spectrum.n_frames

    @property
    def last_s(self) -> float:
        """How many seconds the window that ends with the last frame hears."""
        return self._newest()[2] * self._spectrum.spec.hop_s

    @property
    def left_out_s(self) -> float:
        """How many seconds of silence that window leaves out, if it is not full yet."""
        start, stop = self._last_stretch()
        return (stop - start) * self._spectrum.spec.hop_s - self.last_s

    @property
    def stride_s(self) -> float:
        """How many seconds lie between the beginnings of two windows."""
        return self._spec.stride_frames * self._spectrum.spec.hop_s

    @property
    def last_is_new(self) -> bool:
        """Whether the last window is none of those that were heard one after the other."""
        newest = self._next_start - self._spec.stride_frames + self._spec.frames
        return self._next_start == 0 or self._spectrum.n_frames != newest

    def _last_stretch(self) -> tuple[int, int]:
        stop = self._spectrum.n_frames
        return max(0, stop - self._spec.frames), stop

    def _newest(self) -> tuple[int, Answers, int]:
        start, stop = self._last_stretch()
        if self._last is None or self._last[0] != stop:
            self._last = self._hear(start, stop)
        return self._last

    def _hear(self, start: int, stop: int) -> tuple[int, Answers, int]:
        levels, range_db = self._spectrum.levels(start, stop), self._spectrum.spec.range_db
        heard = cut_counting_windows(levels, self._spec, range_db)
        return stop, self._run(heard.windows[:]), heard.n_frames


class ContextEar:
    """What a context has heard of a stream: means and deviations of its answers."""

    def __init__(self, spectrum: Spectrum, context: Context) -> None:
        self._ear = WindowEar(spectrum, context.spec.windows, context.answers)
        self._open: deque[tuple[Answers, float]] = deque()
        # Of the older windows that count.
        self._closed = _Moments()

    def catch_up(self) -> None:
        """Hear the windows that have become complete."""
        self._ear.catch_up()
        self._open.extend(zip(self._ear.fresh, self._ear.loudest, strict=True))
        while len(self._open) > OPEN_WINDOWS:
            self._closed = self._closed.with_more(self._counting([self._open.popleft()]))

    def said(self) -> NDArray[np.float32]:
        """Return means and standard deviations, shape [2 * outputs], as :meth:`Context.hear`.

        Windows that are silent by now do not count.
        """
        windows = list(self._open)
        if self._ear.last_is_new:
            windows.append((self._ear.last(), self._ear.last_loudest()))
        return self._closed.with_more(self._counting(windows)).mean_and_deviation()

    def _counting(self, windows: Sequence[tuple[Answers, float]]) -> list[Answers]:
        sounding = self._ear.sounding([loudest for _, loudest in windows])
        return [answer for (answer, _), sounds in zip(windows, sounding, strict=True) if sounds]


class _Moments:
    """How many answers there are, and the sums of them and of their squares."""

    def __init__(
        self,
        n: int = 0,
        total: NDArray[np.float64] | float = 0.0,
        squares: NDArray[np.float64] | float = 0.0,
    ) -> None:
        self._n = n
        self._total = total
        self._squares = squares

    def with_more(self, answers: Sequence[Answers]) -> "_Moments":
        """Return these of some more answers, each of shape [1, outputs]."""
        if not answers:
            return self
        more = np.concatenate(answers).astype(np.float64)
        return _Moments(
            self._n + len(more),
            self._total + more.sum(axis=0),
            self._squares + (more**2).sum(axis=0),
        )

    def mean_and_deviation(self) -> NDArray[np.float32]:
        """Return what the answers are on average, and how they vary, shape [2 * outputs]."""
        mean = np.asarray(self._total / self._n)
        deviation = np.sqrt(np.maximum(self._squares / self._n - mean**2, 0))
        return np.concatenate([mean, deviation]).astype(np.float32)


class QuickEar:
    """Names what sounds now, for a bundle whose timeline follows changes.

    It hears the last moment at each frame. A change counts once two in a row agree: the attack of
    a chord is often named as a third one.

    Parameters
    ----------
    spectrum
        Where the frames come from.
    bundle
        Who answers; without a context.
    """

    def __init__(self, spectrum: Spectrum, bundle: Bundle) -> None:
        self._spectrum = spectrum
        self._bundle = bundle
        self.heard_frames = max(1, round(NOW_S / spectrum.spec.hop_s))
        self._latest_frames = max(2, round(ANSWER_S / spectrum.spec.hop_s))
        self._n_heard = 0
        # Before the first frame, all labels are as probable.
        self._agreed: Probabilities = bundle.probabilities(np.zeros(len(bundle.card.labels)))
        self._newest: Probabilities | None = None

    def catch_up(self) -> None:
        """Hear the moments that end with each new frame."""
        n_frames = self._spectrum.n_frames
        if n_frames == self._n_heard:
            return
        if n_frames - self._n_heard > self._latest_frames:
            # Much has come at once: of what sounded in the middle of it nobody will be told.
            self._n_heard = n_frames - self._latest_frames
            self._newest = None
        first = max(0, self._n_heard + 1 - self.heard_frames)
        levels = self._spectrum.levels(first, n_frames)
        moments = [
            levels[max(0, stop - self.heard_frames) - first : stop - first]
            for stop in range(self._n_heard + 1, n_frames + 1)
        ]
        windows = self._bundle.card.windows
        padded = np.concatenate([end_in_silence(m[np.newaxis], windows.frames) for m in moments])
        for moment, logits in zip(moments, self._bundle.run(padded), strict=True):
            heard_s = len(moment) * self._spectrum.spec.hop_s
            self._hear(self._bundle.probabilities(logits, heard_s))
        self._n_heard = n_frames

    def said(self) -> Probabilities:
        """Return the probabilities of the labels now, shape [labels]."""
        return self._agreed

    def _hear(self, probabilities: Probabilities) -> None:
        before = self._newest
        if before is None or before.argmax() == probabilities.argmax():
            self._agreed = probabilities
        self._newest = probabilities
