"""MSD_musicnn as a teacher: what it hears in a clip becomes a target for our own network.

A student learns to reproduce the last hidden layer and the tags beside its labels, on
all audio at hand, labelled or not. The teacher hears levels relative to the clip's
loudest band, as the student does.
"""

from collections.abc import Sequence

import keras
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from service.inference.features import Grid
from service.inference.windows import Windows, WindowSpec, cut_windows
from training.data.cache import FeatureCache
from training.data.filter_banks import make_bank
from training.data.readers import AudioFile
from training.data.readers.clips import Source
from training.errors import UnreadableClip
from training.networks import musicnn, musicnn_weights

TARGETS = musicnn.HIDDEN + musicnn.TAGS

Array = NDArray[np.float32]

_WINDOW = WindowSpec(frames=musicnn.FRAMES, stride_frames=musicnn.FRAMES, short="repeat")


class Teacher:
    """Asks MSD_musicnn about clips, once each; the answers are kept in the cache.

    Parameters
    ----------
    cache
        Where answers are kept.

    Raises
    ------
    TrainingError
        The package ``musicnn`` is not installed.
    """

    def __init__(self, cache: FeatureCache) -> None:
        musicnn_weights.checkpoint_folder()  # fails at once, not after the features of all clips
        self._bank = make_bank(musicnn.RELATIVE_SPEC)
        self._cache = cache
        self._network: keras.Model | None = None

    def ask(self, sources: Sequence[Source]) -> list[Array]:
        """Return one row of raw targets per 3 s of each clip, shape [stretches, 250].

        Sources that are no audio get no row: there is nothing to listen to.
        """
        return [self._ask_one(s) for s in tqdm(sources, desc="teacher", unit="clip")]

    def _ask_one(self, source: Source) -> Array:
        if not isinstance(source, AudioFile):
            return np.zeros((0, TARGETS), dtype=np.float32)
        key = self._cache.key(
            f"msd_musicnn {source.content_key()}", musicnn.RELATIVE_SPEC, self._bank
        )
        known = self._cache.load(key)
        if known is None:
            known = self._cache.store(key, self._listen(source))
        return known.astype(np.float32)

    def _listen(self, source: AudioFile) -> Array:
        try:
            grid = source.grid(musicnn.RELATIVE_SPEC, self._bank)
        except UnreadableClip:
            return np.zeros((0, TARGETS), dtype=np.float32)
        if self._network is None:
            self._network = musicnn.pruned(musicnn.RELATIVE_SPEC)
        hidden, tags = self._network.predict_on_batch(stretches(grid))
        return np.concatenate([hidden, tags], axis=1)


def stretches(grid: Grid) -> Windows:
    """Cut a grid into as many windows as fit side by side, spread evenly, [n, 187, 96]."""
    count = max(1, round(len(grid) / musicnn.FRAMES))
    starts = np.linspace(0, max(0, len(grid) - musicnn.FRAMES), count).astype(int)
    return np.concatenate([cut_windows(grid[s : s + musicnn.FRAMES], _WINDOW) for s in starts])
