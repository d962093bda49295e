"""What bundles need of a clip, made while it is decoded: feature grids, how much begins when."""

import time
from collections.abc import Iterable, Mapping

from service.audio.decode import Samples
from service.inference.bands import BandMeter
from service.inference.bundle import Bundle
from service.inference.bundle_files import BANK_FILE, CONTEXT_BANK_FILE
from service.inference.context import Context
from service.inference.features import FeatureSpec, Grid, GridMaker
from service.inference.onsets import OnsetMeter, OnsetSpec, Strengths

GridKey = tuple[FeatureSpec, str]  # with the hash of the filter bank
OnsetKey = tuple[int, OnsetSpec]  # with the sampling rate in Hz
Heard = Mapping[GridKey | OnsetKey, Grid | Strengths]


class Grids:
    """Makes each grid once, however many bundles need it.

    It hears a clip while it is decoded; see :class:`service.audio.recording.Listener`.

    Parameters
    ----------
    bundles
        Who needs them.

    Attributes
    ----------
    seconds
        How long that took until now.
    """

    def __init__(self, bundles: Iterable[Bundle]) -> None:
        bundles = list(bundles)
        self._wanted: dict[GridKey, BandMeter] = {}
        self._wanted_onsets = {key for bundle in bundles if (key := onset_key(bundle))}
        for bundle in bundles:
            self._wanted[grid_key(bundle)] = bundle.meter
            if bundle.context is not None:
                self._wanted[context_grid_key(bundle, bundle.context)] = bundle.context.meter
        self.rates_hz = needed_rates_hz(bundles)
        self.seconds = 0.0
        self.begin()

    def begin(self) -> None:
        """Forget what was heard."""
        self._makers = {key: GridMaker(meter) for key, meter in self._wanted.items()}
        self._onset_meters = {key: OnsetMeter(key[1]) for key in self._wanted_onsets}

    def add(self, rate_hz: int, samples: Samples) -> None:
        """Hear the next samples at one of the rates."""
        began_s = time.perf_counter()
        for (spec, _), maker in self._makers.items():
            if spec.sample_rate_hz == rate_hz:
                maker.add(samples)
        for (of_rate_hz, _), meter in self._onset_meters.items():
            if of_rate_hz == rate_hz:
                meter.add(samples)
        self.seconds += time.perf_counter() - began_s

    def end(self, gain: float) -> Heard:
        """Return what was made of the clip, as if it had been heard at so many times the level."""
        began_s = time.perf_counter()
        heard: dict[GridKey | OnsetKey, Grid | Strengths] = {}
        for key, maker in self._makers.items():
            heard[key] = maker.end(gain)
        for beginnings, meter in self._onset_meters.items():
            heard[beginnings] = meter.end()
        self.seconds += time.perf_counter() - began_s
        return heard


def needed_rates_hz(bundles: Iterable[Bundle]) -> list[int]:
    """Return the sampling rates at which bundles take the waveform of a clip."""
    cards = [bundle.card for bundle in bundles]
    specs = [part.features for card in cards for part in (card, card.context) if part is not None]
    return sorted({spec.sample_rate_hz for spec in specs})


def grid_key(bundle: Bundle) -> GridKey:
    """Tell the grid of a bundle from others."""
    return bundle.card.features, bundle.card.sha256[BANK_FILE]


def context_grid_key(bundle: Bundle, context: Context) -> GridKey:
    """Tell the grid that the context of a bundle hears from others."""
    return context.spec.features, bundle.card.sha256[CONTEXT_BANK_FILE]


def onset_key(bundle: Bundle) -> OnsetKey | None:
    """Tell what a bundle needs to know of beginnings from others; None for nothing."""
    timeline = bundle.card.timeline
    if timeline is None or timeline.onsets is None:
        return None
    return bundle.card.features.sample_rate_hz, timeline.onsets
