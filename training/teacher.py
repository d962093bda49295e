"""MSD_musicnn as a teacher: what it hears in a clip becomes a target for our own network.

Pons and Serra (ISMIR 2019, "musicnn: pre-trained convolutional neural networks for
music audio tagging") trained it on the tags of 200,000 songs. Its architecture is
rebuilt here in Keras from the paper, its weights are read from the installed package
``musicnn`` (ISC licence). A student learns to reproduce the last hidden layer and the
tags from our own features; it carries none of the original weights.
"""

import hashlib
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray
from tqdm import tqdm

from service.features import hann
from training.cache import FeatureCache
from training.errors import TrainingError, UnreadableClip
from training.readers import AudioFile
from training.readers.clips import Source

SAMPLE_RATE_HZ = 16_000
FFT_SAMPLES = 512
HOP_SAMPLES = 256
BANDS = 96
GAIN = 10_000
FRAMES = 187
HIDDEN = 200
TAGS = 50
TARGETS = HIDDEN + TAGS
_EPSILON = 1e-3
_POOLED = 753

INSTALL_HINT = (
    "The teacher needs the package musicnn, whose old pins forbid a normal installation: "
    "pip install --no-deps musicnn==0.1.0. Without it, train with --teacher none."
)

Array = NDArray[np.float32]


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
        self._weights_file = _checkpoint_folder()
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
        key = hashlib.sha256(f"msd_musicnn {source.content_key()}".encode()).hexdigest()
        known = self._cache.load(key)
        if known is None:
            known = self._cache.store(key, self._listen(source))
        return known.astype(np.float32)

    def _listen(self, source: AudioFile) -> Array:
        try:
            samples = source.samples(SAMPLE_RATE_HZ)
        except UnreadableClip:
            return np.zeros((0, TARGETS), dtype=np.float32)
        if self._network is None:
            self._network = msd_musicnn(self._weights_file)
        hidden, tags = self._network.predict_on_batch(teacher_windows(samples))
        return np.concatenate([hidden, tags], axis=1)


def teacher_windows(samples: Array) -> Array:
    """Return the teacher's input, shape [windows, 187, 96]: a window for every 3 s."""
    grid = log_mel(samples)
    if len(grid) < FRAMES:
        grid = np.pad(grid, ((0, FRAMES - len(grid)), (0, 0)))
    count = max(1, round(len(grid) / FRAMES))
    starts = np.linspace(0, len(grid) - FRAMES, count).astype(int)
    return np.stack([grid[s : s + FRAMES] for s in starts])


def log_mel(samples: Array) -> Array:
    """Return log10(10000 power + 1) of 96 mel bands at 16 kHz, shape [frames, 96]."""
    import librosa  # noqa: PLC0415  # costs seconds, and most runs find all in the cache

    power = librosa.feature.melspectrogram(
        y=samples,
        sr=SAMPLE_RATE_HZ,
        n_fft=FFT_SAMPLES,
        hop_length=HOP_SAMPLES,
        n_mels=BANDS,
        window=hann(FFT_SAMPLES),
    )
    return np.asarray(np.log10(GAIN * power.T + 1), dtype=np.float32)


def msd_musicnn(checkpoint: Path) -> keras.Model:
    """Rebuild MSD_musicnn and load its weights.

    Returns
    -------
    keras.Model
        From windows [187, 96] to the last hidden layer [200] and the tags' logits [50].
    """
    window = keras.Input((FRAMES, BANDS))
    x = _normalise(layers.Reshape((FRAMES, BANDS, 1))(window), 0)
    padded = layers.ZeroPadding2D(((3, 3), (0, 0)))(x)
    front = [
        _front_end(padded, 0, 204, (7, 38), "valid"),
        _front_end(padded, 1, 204, (7, 67), "valid"),
        _front_end(x, 2, 51, (128, 1), "same"),
        _front_end(x, 3, 51, (64, 1), "same"),
        _front_end(x, 4, 51, (32, 1), "same"),
    ]
    first = _mid_end(layers.Concatenate()(front), 5)
    second = layers.Add()([_mid_end(first, 6), first])
    third = layers.Add()([_mid_end(second, 7), second])
    along = layers.Concatenate()([*front, first, second, third])
    pooled = layers.Concatenate()(
        [layers.GlobalMaxPooling1D()(along), layers.GlobalAveragePooling1D()(along)]
    )
    hidden = layers.Dense(HIDDEN, activation="relu", name="dense")(_normalise(pooled, 9))
    hidden = _normalise(hidden, 10)
    tags = layers.Dense(TAGS, name="dense_1")(hidden)
    network = keras.Model(window, [hidden, tags], name="msd_musicnn")
    _load_weights(network, checkpoint)
    return network


def _suffixed(name: str, number: int) -> str:
    return name if number == 0 else f"{name}_{number}"


def _normalise(x: keras.KerasTensor, number: int) -> keras.KerasTensor:
    name = _suffixed("batch_normalization", number)
    return layers.BatchNormalization(epsilon=_EPSILON, name=name)(x)


def _front_end(
    x: keras.KerasTensor, number: int, filters: int, kernel: tuple[int, int], padding: str
) -> keras.KerasTensor:
    name = _suffixed("conv2d", number)
    x = layers.Conv2D(filters, kernel, padding=padding, activation="relu", name=name)(x)
    x = layers.MaxPooling2D((1, x.shape[2]))(_normalise(x, number + 1))
    return layers.Reshape((FRAMES, filters))(x)


def _mid_end(x: keras.KerasTensor, number: int) -> keras.KerasTensor:
    name = _suffixed("conv2d", number)
    x = layers.Conv1D(64, 7, padding="same", activation="relu", name=name)(x)
    return _normalise(x, number + 1)


def _load_weights(network: keras.Model, checkpoint: Path) -> None:
    from tensorflow.python.training import py_checkpoint_reader  # noqa: PLC0415

    # The files in the folder have no name but their suffix, hence the closing slash.
    read = py_checkpoint_reader.NewCheckpointReader(f"{checkpoint}/").get_tensor
    # The original flattens pairs of (maximum, mean); here all maxima come first.
    order = np.concatenate([2 * np.arange(_POOLED), 2 * np.arange(_POOLED) + 1])
    for layer in network.layers:
        name = layer.name
        if isinstance(layer, layers.BatchNormalization):
            parts = ("gamma", "beta", "moving_mean", "moving_variance")
            weights = [read(f"{name}/{part}") for part in parts]
        elif layer.weights:
            weights = [read(f"{name}/kernel"), read(f"{name}/bias")]
        else:
            continue
        if name == "batch_normalization_9":
            weights = [w[order] for w in weights]
        elif name == "dense":
            weights[0] = weights[0][order]
        elif isinstance(layer, layers.Conv1D):
            weights[0] = weights[0][:, :, 0, :]
        layer.set_weights(weights)


def _checkpoint_folder() -> Path:
    package = find_spec("musicnn")
    if package is None or not package.submodule_search_locations:
        raise TrainingError(INSTALL_HINT)

    return Path(package.submodule_search_locations[0]) / "MSD_musicnn"
