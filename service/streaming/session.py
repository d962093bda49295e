"""What is heard of one stream, from its first sample to its last answer."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from service.audio.decode import Samples
from service.audio.quality import SILENCE_PEAK
from service.inference.bundle import Bundle
from service.inference.classification import Classification
from service.inference.grids import needed_rates_hz
from service.streaming.hearing import Hearing
from service.streaming.protocol import ANSWER_S, StreamStart
from service.streaming.sound import Resampler, Sound

# How long what sounds "now" must have been silent to be called so.
SILENT_S = 3.0


@dataclass(frozen=True)
class Heard:
    """One answer.

    Attributes
    ----------
    heard_s
        Seconds that were heard until then.
    level_db
        Mean level since the answer before, in dB of full scale.
    now, so_far
        By task, what is said of the last seconds and of all.
    """

    heard_s: float
    level_db: float
    now: Mapping[str, Classification]
    so_far: Mapping[str, Classification]


class Session:
    """Hears one stream with one or more bundles; to be used by one thread at a time.

    Parameters
    ----------
    start
        What the client has declared.
    bundles
        Who answers, by task.
    """

    def __init__(self, start: StreamStart, bundles: Mapping[str, Bundle]) -> None:
        self._sound = Sound(start)
        self._hearing = Hearing(bundles)
        self._resamplers = {
            rate_hz: Resampler(start.sample_rate_hz, rate_hz)
            for rate_hz in needed_rates_hz(bundles.values())
        }
        self._answer_samples = round(ANSWER_S * start.sample_rate_hz)
        self._answered_samples = 0
        self._labels_answered: dict[str, int | None] = {}
        self._peaks: deque[tuple[float, float]] = deque()

    @property
    def heard_s(self) -> float:
        """Seconds that were heard."""
        return self._sound.heard_s

    @property
    def due_bytes(self) -> int:
        """Bytes that lack for the next answer."""
        lacking = self._sound.bytes_until(self._answered_samples + self._answer_samples)
        # It may be overdue, as long as there is no frame of the features yet.
        return max(lacking, self._sound.frame_bytes)

    def hear(self, data: bytes) -> Heard | None:
        """Hear the next bytes; return an answer if it is time for one, or what sounds changed.

        Raises
        ------
        StreamRefused
            Samples are not finite.
        """
        mono = self._sound.add(data)
        self._note_peak(mono)
        for rate_hz, resampler in self._resamplers.items():
            self._hearing.add(rate_hz, resampler.add(mono))
        self._hearing.catch_up()
        if self._hearing.ready and (self._due or self._changed()):
            return self._answer()
        return None

    def finish(self) -> Heard:
        """Hear the end; return the last answer."""
        for rate_hz, resampler in self._resamplers.items():
            self._hearing.add(rate_hz, resampler.add(np.zeros(0, np.float32), last=True))
        self._hearing.end()
        self._hearing.catch_up()
        return self._answer()

    def _answer(self) -> Heard:
        self._answered_samples = self._sound.levels.n_frames
        tasks = self._hearing.tasks
        self._labels_answered = {name: task.label_now for name, task in tasks.items()}
        silent_now = all(peak < SILENCE_PEAK for _, peak in self._peaks)
        silent = self._sound.levels.silent
        return Heard(
            self.heard_s,
            self._sound.level_db(),
            {name: task.now(silent=silent_now) for name, task in tasks.items()},
            {name: task.so_far(self.heard_s, silent=silent) for name, task in tasks.items()},
        )

    @property
    def _due(self) -> bool:
        return self._sound.levels.n_frames >= self._answered_samples + self._answer_samples

    def _changed(self) -> bool:
        return any(
            task.label_now != self._labels_answered.get(name, task.label_now)
            for name, task in self._hearing.tasks.items()
        )

    def _note_peak(self, mono: Samples) -> None:
        self._peaks.append((self.heard_s, float(np.abs(mono).max(initial=0.0))))
        while self._peaks[0][0] < self.heard_s - SILENT_S:
            self._peaks.popleft()
