"""Run a network in an ONNX file with onnxruntime."""

from pathlib import Path
from typing import ClassVar, Self
from weakref import WeakValueDictionary

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from service.errors import BundleError
from service.inference.windows import Slices

# Half as many windows at once take a twentieth longer. With twice as many little is gained, and
# onnxruntime keeps for each thread the memory that the largest batch took: 11 MB of 8, 25 of 16.
BATCH_WINDOWS = 8

Answers = NDArray[np.float32]  # [n_windows, ...]


class Network:
    """A network that answers window by window; many threads may ask it at a time.

    Use :meth:`open`, or :meth:`open_once` for a file of which there may be copies.
    """

    _opened: ClassVar[WeakValueDictionary[str, "Network"]] = WeakValueDictionary()

    def __init__(self, session: ort.InferenceSession) -> None:
        self._session = session
        self._input_name = session.get_inputs()[0].name

    @classmethod
    def open(cls, file: Path) -> Self:
        """Open a network that uses one thread for each request.

        Raises
        ------
        BundleError
            onnxruntime cannot load the file.
        """
        options = ort.SessionOptions()
        # Requests run side by side; more threads inside one of them only fight for cores.
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            session = ort.InferenceSession(file, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime has no common base class for its errors
            reason = str(error).replace(str(file), shown(file))
            raise BundleError(f"{shown(file)} cannot be loaded: {reason}") from error
        return cls(session)

    @classmethod
    def open_once(cls, file: Path, sha256: str) -> "Network":
        """Return the network that somebody has open for a file of this hash, or open it.

        Raises
        ------
        BundleError
            onnxruntime cannot load the file.
        """
        network = cls._opened.get(sha256)
        if network is None:
            network = cls._opened[sha256] = cls.open(file)
        return network

    def run(self, windows: Slices) -> Answers:
        """Return the answer to each window, shape [n_windows, ...].

        Parameters
        ----------
        windows
            Shape [n_windows, frames, bands].
        """
        batches = [
            self._session.run(None, {self._input_name: windows[i : i + BATCH_WINDOWS]})[0]
            for i in range(0, len(windows), BATCH_WINDOWS)
        ]
        answers: Answers = np.concatenate(batches)
        return answers


def shown(file: Path) -> str:
    """Name a bundle's file without the way to it: what fails is told to everybody who asks."""
    return f"{file.parent.name}/{file.name}"
