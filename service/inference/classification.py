"""Classify one decoded clip with one or more bundles.

Work that bundles share is done once: one feature grid per specification and filter bank (see
:mod:`service.inference.grids`), one embedding per grid, windows and embedding network. The context
of one bundle may take the grid of another.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial

import numpy as np
from numpy.typing import NDArray

from service.audio.decode import Clip
from service.inference.bass import tell_basses
from service.inference.bundle import Bundle, Embedding, Logits
from service.inference.bundle_files import EMBEDDING_FILE
from service.inference.card import Card
from service.inference.clip_answer import clip_answer, counting_windows, trace
from service.inference.features import Grid
from service.inference.grids import Grids, Heard, context_grid_key, grid_key, onset_key
from service.inference.key import Key, find_key
from service.inference.onsets import Strengths
from service.inference.softmax import Probabilities
from service.inference.timeline import LabelledSegment
from service.inference.timings import Timings
from service.inference.tuning import tuning_cents
from service.inference.whole import NOTHING, LabelShare, label_shares
from service.inference.windows import Counting, CutWindows, Slices


@dataclass(frozen=True)
class Classification:
    """What a bundle says about a clip.

    Attributes
    ----------
    bundle
        Who answers.
    probabilities
        Calibrated probabilities of the whole clip, shape [labels].
    ratings
        What listeners would rate, from 0 to 1, in the order of the card, shape [ratings].
    kinds
        How much of the clip is of each kind of sound that the card names, shape [kinds].
    heard_s
        How long the clip plays.
    silent
        Whether the clip holds no audible sound.
    timeline
        What sounds when, joined as the card asks for; None if nobody asked.
    shares
        How much of the time each label sounds; None where the card joins no windows.
    key
        The key that the chords are in; None where they are too few, or leave it in doubt.
    tuning_cents
        How much higher than A = 440 Hz the chords are tuned; None where none sounds.
    embedding
        The mean of what the embedding network says over the clip's windows in which something
        sounds, shape [units]; None for a bundle without one.
    """

    bundle: Bundle
    probabilities: Probabilities
    ratings: NDArray[np.float32]
    kinds: Probabilities
    heard_s: float
    silent: bool
    timeline: list[LabelledSegment] | None = None
    shares: list[LabelShare] | None = None
    key: Key | None = None
    tuning_cents: float | None = None
    embedding: NDArray[np.float32] | None = None

    @property
    def label(self) -> str:
        """The most probable label."""
        return self.bundle.card.labels[int(self.probabilities.argmax())]

    @property
    def uncertain(self) -> bool:
        """Whether there is too little to act on: a low confidence, hardly or no sound at all."""
        if self.silent or self.heard_instead:
            return True
        calibration = self.bundle.card.calibration
        return calibration.is_uncertain(float(self.probabilities.max()), self.heard_s)

    @property
    def heard_instead(self) -> str | None:
        """The kind of sound that is heard where the task's own is not; None where that is."""
        spec = self.bundle.card.kinds
        if spec is None or self.silent or self.kinds[0] >= spec.uncertain_below:
            return None
        return spec.labels[1 + int(self.kinds[1:].argmax())]


def classify(
    clip: Clip,
    bundles: Mapping[str, Bundle],
    timings: Timings | None = None,
    *,
    timeline: bool = False,
) -> dict[str, Classification]:
    """Classify a clip with each bundle, on request also over time; the keys are kept.

    The clip must have the waveforms that :func:`service.inference.grids.needed_rates_hz` names.
    """
    timings = timings or Timings()
    with timings.stage("features"):
        grids = Grids(bundles.values())
        for rate_hz in grids.rates_hz:
            grids.add(rate_hz, clip.waveforms[rate_hz])
        made = grids.end(1.0)
    return classify_grids(clip, made, bundles, timings, timeline=timeline)


def classify_grids(
    clip: Clip,
    heard: Heard,
    bundles: Mapping[str, Bundle],
    timings: Timings,
    *,
    timeline: bool,
) -> dict[str, Classification]:
    """Classify a clip as :func:`classify` does, where only what was heard in it is at hand.

    It must be what :class:`service.inference.grids.Grids` makes for the bundles.
    """
    workbench = _Workbench(clip, heard, timings)
    return {
        name: _classify_one(workbench, bundle, timeline=timeline)
        for name, bundle in bundles.items()
    }


def _classify_one(workbench: "_Workbench", bundle: Bundle, *, timeline: bool) -> Classification:
    as_it_is, context_grid = workbench.grid(bundle), workbench.context_grid(bundle)
    with workbench.timings.stage("inference"):
        grid = bundle.in_tune(as_it_is)
        chosen = counting_windows(bundle.card, grid)
        counting = workbench.embedding(bundle, grid, chosen)
        logits = cache(lambda: bundle.run_embedded(bundle.told(counting, context_grid)))
        # A line knows no ends of a scale.
        ratings = np.clip(bundle.rate_embedded(counting).mean(axis=0), 0, 1)
        kinds = bundle.kinds_embedded(counting)
        duration_s = workbench.clip.duration_s
        traced: list[LabelledSegment] = []
        joins = bundle.card.timeline is not None
        if timeline or joins:
            window_logits: Callable[[], Logits] = logits
            if not chosen.all_count:
                every = Counting(CutWindows(grid, bundle.card.windows), len(grid))
                embedding = workbench.embedding(bundle, grid, every)
                window_logits = partial(bundle.run_embedded, bundle.told(embedding, context_grid))
            onsets = workbench.onsets(bundle)
            traced = trace(bundle, grid, window_logits, duration_s, context_grid, onsets)
        whole = clip_answer(bundle, chosen.n_frames, logits, traced)
        joined = whole.timeline if joins else None
    return Classification(
        bundle=bundle,
        probabilities=whole.probabilities,
        ratings=ratings,
        kinds=kinds,
        heard_s=duration_s,
        silent=workbench.clip.silent,
        timeline=_with_basses(bundle.card, grid, whole.timeline) if timeline else None,
        shares=label_shares(joined) if joined else None,
        key=find_key(joined, bundle.card.lab_labels) if joined else None,
        tuning_cents=_tuning_cents(bundle.card, as_it_is, joined) if joined else None,
        embedding=counting[:].mean(axis=(0, 1)) if EMBEDDING_FILE in bundle.card.sha256 else None,
    )


def _with_basses(card: Card, grid: Grid, timeline: list[LabelledSegment]) -> list[LabelledSegment]:
    if not _has_pitches(card):
        return timeline
    return tell_basses(timeline, grid, card.features, card.lab_labels)


def _tuning_cents(card: Card, grid: Grid, timeline: list[LabelledSegment]) -> float | None:
    if not _has_pitches(card):
        return None
    sounding = [s.segment for s in timeline if card.labels[s.label] != NOTHING]
    return tuning_cents(grid, card.features, sounding)


def _has_pitches(card: Card) -> bool:
    """Tell whether the bands of a card's features are parts of semitones."""
    return card.timeline is not None and card.timeline.bands_per_octave is not None


class _Workbench:
    """The intermediate results of one clip, each computed once."""

    def __init__(self, clip: Clip, heard: Heard, timings: Timings) -> None:
        self.clip = clip
        self.timings = timings
        self._heard = heard
        self._embeddings: dict[tuple[object, ...], Embedding] = {}

    def grid(self, bundle: Bundle) -> Grid:
        return self._heard[grid_key(bundle)]

    def context_grid(self, bundle: Bundle) -> Grid | None:
        context = bundle.context
        return None if context is None else self._heard[context_grid_key(bundle, context)]

    def onsets(self, bundle: Bundle) -> Strengths | None:
        key = onset_key(bundle)
        return None if key is None else self._heard.get(key)

    def embedding(self, bundle: Bundle, grid: Grid, chosen: Counting) -> Slices:
        card = bundle.card
        # A grid that was moved into tune is of this bundle alone.
        if EMBEDDING_FILE not in card.sha256 or grid is not self.grid(bundle):
            return bundle.embed(chosen.windows)
        key = (grid_key(bundle), card.windows, card.sha256[EMBEDDING_FILE], chosen.all_count)
        if key not in self._embeddings:
            self._embeddings[key] = bundle.embed(chosen.windows)[:]
        return self._embeddings[key]
