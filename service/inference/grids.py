"""The feature grids that bundles need of a clip, made while it is decoded."""

import time
from collections.abc import Iterable

from service.audio.decode import Samples
from service.inference.bands import BandMeter
from service.inference.bundle import Bundle
from service.inference.bundle_files import BANK_FILE, CONTEXT_BANK_FILE
from service.inference.context import Context
from service.inference.features import FeatureSpec, Grid, GridMaker

GridKey = tuple[FeatureSpec, str]  # with the hash of the filter bank


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

    def add(self, rate_hz: int, samples: Samples) -> None:
        """Hear the next samples at one of the rates."""
        began_s = time.perf_counter()
        for (spec, _), maker in self._makers.items():
            if spec.sample_rate_hz == rate_hz:
                maker.add(samples)
        self.seconds += time.perf_counter() - began_s

    def end(self, gain: float) -> dict[GridKey, Grid]:
        """Return the grids of the clip, as if it had been heard at so many times the level."""
        began_s = time.perf_counter()
        grids = {key: maker.end(gain) for key, maker in self._makers.items()}
        self.seconds += time.perf_counter() - began_s
        return grids


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
