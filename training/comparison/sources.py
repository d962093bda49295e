"""Audio whose features are computed by training alone, for systems that are not served."""

from collections.abc import Callable
from dataclasses import dataclass

from service.audio.decode import Samples
from service.inference.features import FeatureSpec, FilterBank, Grid
from training.data.readers import AudioFile

Compute = Callable[[Samples, FeatureSpec, FilterBank], Grid]


@dataclass(frozen=True)
class ComputedAudio:
    """An audio file with the function that makes its grid.

    Attributes
    ----------
    original
        The file.
    compute
        From a waveform at the specification's rate to a grid, shape [frames, bands]. The
        specification's name must be its own, or the cache takes its grids for the service's.
    """

    original: AudioFile
    compute: Compute

    @property
    def name(self) -> str:
        """Path of the file."""
        return self.original.name

    def content_key(self) -> str:
        """Return the hash of the file's bytes."""
        return self.original.content_key()

    def grid(self, spec: FeatureSpec, bank: FilterBank) -> Grid:
        """Decode as the service does, then compute."""
        return self.compute(self.original.samples(spec.sample_rate_hz), spec, bank)
