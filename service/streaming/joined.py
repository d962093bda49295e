"""What a model whose windows are joined says of a stream: what sounds when, and most.

As :mod:`service.inference.clip_answer` does it for a clip, with two differences. The most
probable sequence of labels is looked for among the last windows only; what it said of older ones
stays. And only the last quarter of an hour is remembered.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from service.inference.bundle import Bundle, Logits
from service.inference.classification import Classification
from service.inference.clip_answer import nothing_of
from service.inference.key import find_key
from service.inference.timeline import LabelledSegment, TimelineSpec, label_segments
from service.inference.whole import label_shares, say_of_the_whole
from service.inference.windows import (
    Segment,
    Windows,
    end_in_silence,
    heard_stretches,
    segments,
)
from service.streaming.ears import QuickEar, WindowEar
from service.streaming.spectrum import Spectrum
from service.streaming.task import TaskEar, Window
from service.streaming.tuning import RunningTuning

# Windows whose labels stay, counted from the oldest, once there are twice as many.
SETTLED_WINDOWS = 32
REMEMBERED_S = 900.0


class TimelineEar:
    """Hears what sounds when.

    Parameters
    ----------
    spectrum
        Where the windows come from.
    bundle
        Who answers; without a context.
    spec
        How its windows are joined.
    """

    def __init__(self, spectrum: Spectrum, bundle: Bundle, spec: TimelineSpec) -> None:
        self._spectrum = spectrum
        self._bundle = bundle
        self._spec = spec
        self._windows = spec.windows(bundle.card.windows)
        self._ear = WindowEar(spectrum, self._windows, self._run)
        self._settled: deque[LabelledSegment] = deque()
        self._n_settled = 0
        self._open: list[Logits] = []

    def catch_up(self) -> None:
        """Hear the windows that have become complete."""
        self._ear.catch_up()
        self._open += self._ear.fresh
        while len(self._open) > 2 * SETTLED_WINDOWS:
            self._settle()

    def timeline(self, heard_s: float) -> list[LabelledSegment]:
        """Return what sounds when, until so many seconds."""
        said = [*self._open, self._ear.last()] if self._ear.last_is_new else self._open
        return [*self._settled, *self._label(self._spectrum.n_frames, said, heard_s)]

    def _settle(self) -> None:
        """Keep what the oldest open windows say, as their neighbours let it appear now."""
        settled = self._open[:SETTLED_WINDOWS]
        n_frames = self._frame_of(self._n_settled + SETTLED_WINDOWS - 1) + self._windows.frames
        hop_s = self._spectrum.spec.hop_s
        # The last one ends halfway to the next window's centre.
        end_s = (n_frames + (self._windows.stride_frames - self._windows.frames) / 2) * hop_s
        self._settled.extend(self._label(n_frames, settled, end_s))
        self._n_settled += SETTLED_WINDOWS
        self._open = self._open[SETTLED_WINDOWS:]
        while self._settled[0].segment.end_s < end_s - REMEMBERED_S:
            self._settled.popleft()

    def _label(
        self, n_frames: int, said: Sequence[Logits], until_s: float
    ) -> list[LabelledSegment]:
        first_frame, hop_s = self._frame_of(self._n_settled), self._spectrum.spec.hop_s
        offset_s = first_frame * hop_s
        begins_s = self._settled[-1].segment.end_s if self._settled else 0.0
        places = [
            Segment(max(begins_s, offset_s + place.start_s), offset_s + place.end_s)
            for place in segments(n_frames - first_frame, self._windows, hop_s, until_s - offset_s)
        ]
        places[0] = Segment(begins_s, places[0].end_s)
        probabilities = self._bundle.probabilities(np.concatenate(said))
        return label_segments(places, probabilities, self._spec, self._bundle.songs)

    def _frame_of(self, window: int) -> int:
        return window * self._windows.stride_frames

    def _run(self, windows: Windows) -> Logits:
        return self._bundle.run(end_in_silence(windows, self._bundle.card.windows.frames))


class JoinedTask(TaskEar):
    """Says of all that was heard what sounds longest.

    Parameters
    ----------
    bundle, ear, quick
        See :class:`TaskEar`.
    timeline
        Hears what sounds when.
    tuning
        Hears how it is tuned, where the features have pitches.
    """

    def __init__(
        self,
        bundle: Bundle,
        ear: WindowEar,
        timeline: TimelineEar,
        quick: QuickEar,
        tuning: RunningTuning | None = None,
    ) -> None:
        super().__init__(bundle, ear, quick=quick)
        self._timeline = timeline
        self._tuning = tuning
        windows, hop_s = bundle.card.windows, bundle.card.features.hop_s
        remembered = round(REMEMBERED_S / (windows.stride_frames * hop_s))
        self._said: deque[Logits] = deque(maxlen=max(1, remembered))
        self._nothing = nothing_of(bundle.card)

    def so_far(self, heard_s: float, *, silent: bool) -> Classification:
        """Return the answer for what was heard in the last quarter of an hour."""
        # Of no time at all there are no shares: a stream of nothing is a moment of silence.
        until_s = heard_s or self._bundle.card.features.hop_s
        whole = say_of_the_whole(
            self._timeline.timeline(until_s),
            self._nothing,
            self._stretches(),
            self._all_said,
            partial(self._bundle.probabilities, heard_s=until_s),
        )
        return replace(
            super().so_far(heard_s, silent=silent),
            probabilities=whole.probabilities,
            shares=label_shares(whole.timeline),
            key=find_key(whole.timeline, self._bundle.card.lab_labels),
            tuning_cents=self._tuning_cents(whole.timeline),
        )

    def _tuning_cents(self, timeline: Sequence[LabelledSegment]) -> float | None:
        if self._tuning is None or all(s.label == self._nothing for s in timeline):
            return None
        return self._tuning.cents

    def _take(self, window: Window) -> None:
        super()._take(window)
        self._said.append(window.said)

    def _all_said(self) -> Logits:
        said = list(self._said)
        if self._ear.last_is_new:
            said.append(self._last().said)
        return np.concatenate(said)

    def _stretches(self) -> list[Segment]:
        """Return the stretches that the remembered windows hear."""
        windows, hop_s = self._bundle.card.windows, self._bundle.card.features.hop_s
        n_frames = self._ear.n_frames
        heard = heard_stretches(n_frames, windows, hop_s)
        return heard[-len(self._said) - self._ear.last_is_new :]
