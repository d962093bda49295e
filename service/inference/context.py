"""What a second network hears in the whole clip, for a first that hears it window by window."""

import numpy as np
from numpy.typing import NDArray

from service.audio.decode import clip_of
from service.inference.bands import BandMeter
from service.inference.card import ContextSpec
from service.inference.features import FilterBank, Grid, compute_grid
from service.inference.network import Answers, Network
from service.inference.windows import Slices, cut_counting_windows


def append_context(
    embedding: NDArray[np.float32], context: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Append what was heard in a clip to the embeddings of its windows.

    Parameters
    ----------
    embedding
        Shape [..., units].
    context
        What :meth:`Context.hear` says, shape [outputs]; or one for each window, of a shape
        that can be broadcast to all but the last axis of the embedding.

    Returns
    -------
    NDArray
        Shape [..., units + outputs].
    """
    everywhere = np.broadcast_to(context, (*embedding.shape[:-1], context.shape[-1]))
    return np.concatenate([embedding, everywhere], axis=-1)


class Context:
    """A second network, with features and windows of its own.

    Parameters
    ----------
    spec, bank
        What it takes, and the filters of shape [bands, bins].
    network
        From its windows to answers, each of shape [outputs].
    """

    def __init__(self, spec: ContextSpec, bank: FilterBank, network: Network) -> None:
        self.spec = spec
        self.bank = bank
        self.meter = BandMeter(spec.features, bank)
        self._network = network

    def features(self, samples: NDArray[np.float32]) -> Grid:
        """Return the feature grid, shape [frames, bands], of a waveform at the spec's rate."""
        return compute_grid(samples, self.spec.features, self.bank)

    def features_from(self, samples: NDArray[np.float32], sample_rate_hz: int) -> Grid:
        """Return the feature grid, shape [frames, bands], of a waveform at any rate."""
        rate_hz = self.spec.features.sample_rate_hz
        return self.features(clip_of(samples, sample_rate_hz, [rate_hz]).waveforms[rate_hz])

    def hear(self, grid: Grid) -> NDArray[np.float32]:
        """Return means and standard deviations of the answers to a clip's windows that count.

        Their shape is [2 * outputs].
        """
        range_db = self.spec.features.range_db
        answers = self.answers(cut_counting_windows(grid, self.spec.windows, range_db).windows)
        return np.concatenate([answers.mean(axis=0), answers.std(axis=0)])

    def answers(self, windows: Slices) -> Answers:
        """Return the answer to each window, shape [n_windows, outputs]."""
        return self._network.run(windows)
