"""All that hears a stream for some bundles; what they have in common is there once."""

from collections.abc import Mapping

from service.audio.decode import Samples
from service.inference.bands import BandMeter
from service.inference.bundle import Bundle
from service.inference.bundle_files import (
    BANK_FILE,
    CONTEXT_BANK_FILE,
    CONTEXT_FILES,
    EMBEDDING_FILE,
)
from service.inference.context import Context
from service.inference.timeline import TimelineSpec
from service.streaming.ears import ContextEar, QuickEar, WindowEar
from service.streaming.joined import JoinedTask, TimelineEar
from service.streaming.spectrum import Spectrum
from service.streaming.task import TaskEar
from service.streaming.tuning import RunningTuning

_Key = tuple[object, ...]


class Hearing:
    """Takes waveforms, and passes them from spectra to ears and from ears to tasks.

    Parameters
    ----------
    bundles
        Who answers, by task.
    """

    def __init__(self, bundles: Mapping[str, Bundle]) -> None:
        self._spectra: dict[_Key, Spectrum] = {}
        self._window_ears: dict[_Key, WindowEar] = {}
        self._context_ears: dict[_Key, ContextEar] = {}
        self._own_ears: list[QuickEar | TimelineEar] = []
        self.tasks = {name: self._task_ear(bundle) for name, bundle in bundles.items()}

    @property
    def ready(self) -> bool:
        """Whether every spectrum has a frame."""
        return all(spectrum.n_frames > 0 for spectrum in self._spectra.values())

    def add(self, rate_hz: int, samples: Samples) -> None:
        """Hear some more samples of the waveform at one rate."""
        for spectrum in self._spectra.values():
            if spectrum.spec.sample_rate_hz == rate_hz:
                spectrum.add(samples)

    def end(self) -> None:
        """Hear the silence after the end."""
        for spectrum in self._spectra.values():
            spectrum.end()

    def catch_up(self) -> None:
        """Run the networks on what is new."""
        ears: list[WindowEar | ContextEar | QuickEar | TimelineEar] = [
            *self._window_ears.values(),
            *self._context_ears.values(),
            *self._own_ears,
        ]
        for ear in ears:
            ear.catch_up()
        for task in self.tasks.values():
            task.catch_up()
        for spectrum in self._spectra.values():
            spectrum.forget()

    def _task_ear(self, bundle: Bundle) -> TaskEar:
        ear, timeline = self._window_ear(bundle), bundle.card.timeline
        if bundle.context is not None:
            return TaskEar(bundle, ear, self._context_ear(bundle, bundle.context))
        if timeline is None:
            return TaskEar(bundle, ear)
        spectrum = self._spectrum_of(bundle)
        quick = QuickEar(spectrum, bundle)
        over_time = TimelineEar(spectrum, bundle, timeline)
        self._own_ears += [quick, over_time]
        return JoinedTask(bundle, ear, over_time, quick, spectrum.tuning)

    def _window_ear(self, bundle: Bundle) -> WindowEar:
        card = bundle.card
        spectrum = self._spectrum_of(bundle)
        key = (spectrum, card.windows, card.sha256.get(EMBEDDING_FILE))
        if key not in self._window_ears:
            self._window_ears[key] = WindowEar(spectrum, card.windows, bundle.embed)
        return self._window_ears[key]

    def _context_ear(self, bundle: Bundle, context: Context) -> ContextEar:
        spec, sha256 = context.spec, bundle.card.sha256
        key = (spec, *(sha256[name] for name in CONTEXT_FILES))
        if key not in self._context_ears:
            spectrum = self._spectrum(context.meter, sha256[CONTEXT_BANK_FILE])
            spectrum.keep(spec.windows.frames)
            self._context_ears[key] = ContextEar(spectrum, context)
        return self._context_ears[key]

    def _spectrum_of(self, bundle: Bundle) -> Spectrum:
        card = bundle.card
        spectrum = self._spectrum(bundle.meter, card.sha256[BANK_FILE], card.timeline)
        spectrum.keep(card.windows.frames)
        return spectrum

    def _spectrum(
        self, meter: BandMeter, bank_sha256: str, timeline: TimelineSpec | None = None
    ) -> Spectrum:
        key = (meter.spec, bank_sha256, timeline)
        if key not in self._spectra:
            tuning = None
            if timeline is not None and timeline.bands_per_octave is not None:
                tuning = RunningTuning(meter.spec, timeline.retune_beyond_cents)
            self._spectra[key] = Spectrum(meter, tuning)
        return self._spectra[key]
