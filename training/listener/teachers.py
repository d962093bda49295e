"""The teachers: larger networks that are asked what they hear in a sound.

EfficientAT's mn04 (Schmid, Koutini and Widmer 2023) knows the 527 sounds of AudioSet,
MSD_musicnn (Pons and Serra 2019) the tags of 200,000 songs. mn04's weights may be
listened to, not shipped: they lie in a folder of their own, which only the preparation
of lessons needs.
"""

from pathlib import Path

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from service.files import written_whole
from training.errors import TrainingError
from training.networks import musicnn

Array = NDArray[np.float32]

MN04_RATE_HZ = 32_000
MN04_EMBEDDING = 384
MN04_CLASSES = 527
MN04_FILES = ("mn04.onnx", "mn04_filter_bank.npz")

LARGEST_DIFFERENCE = 1e-3

_PREEMPHASIS = np.float32(0.97)
_FFT, _WINDOW, _HOP = 1_024, 800, 320


class Mn04:
    """EfficientAT's mn04, on one thread.

    Parameters
    ----------
    folder
        Holds ``MN04_FILES``.

    Raises
    ------
    TrainingError
        A file is missing.
    """

    def __init__(self, folder: Path) -> None:
        missing = [name for name in MN04_FILES if not (folder / name).is_file()]
        if missing:
            raise TrainingError(
                f"{folder} lacks {' and '.join(missing)}. The lessons come from EfficientAT's mn04 "
                "(mn04_as of fschmid56/EfficientAT, MIT licence), exported to ONNX with the "
                "outputs 'logits' and 'embedding', and its mel filter bank [128, 513] under the "
                "key 'bank'. Name the folder that holds both with --teachers; a student that was "
                "trained before can be used without it."
            )
        self._bank = np.load(folder / MN04_FILES[1])["bank"].T.astype(np.float32)
        self._session = one_thread(folder / MN04_FILES[0])

    def ask(self, sounds: Array) -> Array:
        """Return embedding and logits of sounds at 32 kHz, [sounds, samples] to [sounds, 911]."""
        levels = np.stack([self._log_mel(sound) for sound in sounds])[:, None]
        logits, embedding = self._session.run(["logits", "embedding"], {"log_mel": levels})
        return np.concatenate([embedding, logits], axis=1)

    def _log_mel(self, sound: Array) -> Array:
        x = sound.copy()
        x[1:] -= _PREEMPHASIS * sound[:-1]
        x = np.pad(x[1:], _FFT // 2, mode="reflect")
        frames = np.lib.stride_tricks.sliding_window_view(x, _FFT)[::_HOP]
        window = np.zeros(_FFT, np.float32)
        edge = (_FFT - _WINDOW) // 2
        window[edge : edge + _WINDOW] = np.hanning(_WINDOW)
        transform = np.fft.rfft(frames * window)
        power = transform.real**2 + transform.imag**2
        levels: Array = ((np.log(power @ self._bank + 1e-5) + 4.5) / 5).T.astype(np.float32)
        return levels


class Musicnn:
    """MSD_musicnn without its dead filters, on one thread.

    Parameters
    ----------
    folder
        Where the network is kept, converted.

    Raises
    ------
    TrainingError
        The package ``musicnn`` is not installed.
    """

    def __init__(self, folder: Path) -> None:
        file = folder / "musicnn.onnx"
        if not file.is_file():
            from training.results.conversion import convert  # noqa: PLC0415  # loads TensorFlow

            rng = np.random.default_rng(0)
            examples = rng.random((4, musicnn.FRAMES, musicnn.SPEC.bands), np.float32)
            with written_whole(file) as partial:
                convert(musicnn.embedding(), partial, examples, LARGEST_DIFFERENCE)
        self._session = one_thread(file)

    def ask(self, windows: Array) -> Array:
        """Return hidden layer, tags and pooled values of windows, [n, 187, 96] to [n, 760]."""
        heard: Array = self._session.run(None, {"window": windows})[0]
        return heard.reshape(len(windows), -1)


def one_thread(model: Path | bytes) -> ort.InferenceSession:
    """Open a network so that several processes can ask on one machine."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    source = model if isinstance(model, bytes) else str(model)
    return ort.InferenceSession(source, options, providers=["CPUExecutionProvider"])
