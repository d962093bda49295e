"""Classify one decoded clip with one or more bundles.

Work that bundles share is done once: one resampling per sampling rate, one feature
grid per specification and filter bank.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from service.audio import Clip, Samples, resample
from service.bundle import BANK_FILE, Bundle, Logits, Probabilities
from service.features import Grid
from service.timeline import LabelledSegment, label_segments
from service.timings import Timings
from service.windows import Segment, segments


@dataclass(frozen=True)
class Classification:
    """What a bundle says about a clip.

    Attributes
    ----------
    bundle
        Who answers.
    probabilities
        Calibrated probabilities of the whole clip, shape [labels].
    segments
        The stretches of time that the windows speak for.
    segment_probabilities
        Their probabilities, shape [n_windows, labels]; one window is less sure than it says.
    silent
        Whether the clip holds no audible sound.
    """

    bundle: Bundle
    probabilities: Probabilities
    segments: list[Segment]
    segment_probabilities: Probabilities
    silent: bool

    def timeline(self) -> list[LabelledSegment]:
        """Return what sounds when, joined as the card asks for."""
        return label_segments(self.segments, self.segment_probabilities, self.bundle.card.timeline)

    @property
    def label(self) -> str:
        """The most probable label."""
        return self.bundle.card.labels[int(self.probabilities.argmax())]

    @property
    def uncertain(self) -> bool:
        """Whether there is too little to act on: a low confidence, or no sound at all."""
        threshold = self.bundle.card.calibration.uncertain_below
        return self.silent or float(self.probabilities.max()) < threshold


def classify(
    clip: Clip, bundles: Mapping[str, Bundle], timings: Timings | None = None
) -> dict[str, Classification]:
    """Classify a clip with each bundle; the keys are kept."""
    workbench = _Workbench(clip, timings or Timings())
    return {name: _classify_one(workbench, bundle) for name, bundle in bundles.items()}


def clip_logits(window_logits: Logits) -> Logits:
    """Join the windows' logits, shape [n_windows, labels], to the clip's, shape [labels]."""
    mean: Logits = window_logits.mean(axis=0)
    return mean


def _classify_one(workbench: "_Workbench", bundle: Bundle) -> Classification:
    with workbench.timings.stage("features"):
        grid = workbench.grid(bundle)
    with workbench.timings.stage("inference"):
        window_logits = bundle.window_logits(grid)
    return Classification(
        bundle=bundle,
        probabilities=bundle.probabilities(clip_logits(window_logits)),
        segments=segments(
            len(grid),
            bundle.card.windows,
            bundle.card.features.hop_s,
            workbench.clip.duration_s,
        ),
        segment_probabilities=bundle.probabilities(window_logits),
        silent=workbench.clip.silent,
    )


class _Workbench:
    """The intermediate results of one clip, each computed once."""

    def __init__(self, clip: Clip, timings: Timings) -> None:
        self.clip = clip
        self.timings = timings
        self._samples: dict[int, Samples] = {}
        self._grids: dict[tuple[object, str], Grid] = {}

    def grid(self, bundle: Bundle) -> Grid:
        card = bundle.card
        key = (card.features, card.sha256[BANK_FILE])
        if key not in self._grids:
            self._grids[key] = bundle.features(self._resampled(card.features.sample_rate_hz))
        return self._grids[key]

    def _resampled(self, sample_rate_hz: int) -> Samples:
        if sample_rate_hz not in self._samples:
            self._samples[sample_rate_hz] = resample(self.clip, sample_rate_hz)
        return self._samples[sample_rate_hz]
