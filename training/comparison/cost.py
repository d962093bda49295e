"""What a system costs: weights, training, and an answer about 30 s of audio.

All times are processor time, so that waiting for other work on the machine does not count. That
work also slows memory down: of an answer's times, which are of one thread, the fastest run is kept.
"""

import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import keras
import soxr
from pydantic import BaseModel, ConfigDict

from service.audio.decode import decode
from service.audio.synthetic import CLIP_RATE_HZ, synthetic_mp3
from service.inference.bundle_files import MODEL_FILE
from service.inference.network import Network
from service.inference.windows import Windows, cut_windows
from training.comparison.features import Features
from training.data.filter_banks import make_bank
from training.networks.architectures import serving_network
from training.results.conversion import convert

RUNS = 25


class Cost(BaseModel):
    """Costs of one trained network.

    Attributes
    ----------
    parameters
        Numbers in the network, fixed ones included.
    epochs
        Epochs until training ended.
    fit_s
        Processor time of the training, features excluded, in seconds.
    features_ms, network_ms
        For 30 s of decoded stereo at 44.1 kHz: resampling, features and windows; the network
        in onnxruntime on all of them.
    """

    model_config = ConfigDict(extra="forbid")

    parameters: int
    epochs: int
    fit_s: float
    features_ms: float
    network_ms: float

    @property
    def answer_ms(self) -> float:
        """Time for an answer about 30 s, decoding excluded."""
        return self.features_ms + self.network_ms


def mean_cost(costs: Sequence[Cost]) -> Cost:
    """Return what one of several networks of a system costs: its mean training, its best times."""
    return Cost(
        parameters=costs[0].parameters,
        epochs=round(statistics.mean(cost.epochs for cost in costs)),
        fit_s=round(statistics.mean(cost.fit_s for cost in costs), 3),
        features_ms=min(cost.features_ms for cost in costs),
        network_ms=min(cost.network_ms for cost in costs),
    )


def serving_times_ms(features: Features, network: keras.Model, folder: Path) -> tuple[float, float]:
    """Measure features and network for an answer about 30 s.

    Parameters
    ----------
    features
        What the network sees.
    network
        As trained; it is converted to ONNX on the way, so a row of the table can be served.
    folder
        Where the ONNX file goes.

    Returns
    -------
    features_ms, network_ms
        Processor times of this thread, the fastest of ``RUNS``.

    Raises
    ------
    TrainingError
        The network cannot be converted, or answers differently in onnxruntime.
    """
    bank = make_bank(features.spec)
    sound = decode(synthetic_mp3(), [CLIP_RATE_HZ]).waveforms[CLIP_RATE_HZ]

    def compute() -> Windows:
        samples = soxr.resample(sound, CLIP_RATE_HZ, features.spec.sample_rate_hz)
        return cut_windows(features.compute(samples, features.spec, bank), features.windows)

    windows = compute()
    file = folder / MODEL_FILE
    convert(serving_network(network), file, windows)
    served = Network.open(file)
    return _fastest_ms(compute), _fastest_ms(lambda: served.run(windows))


def _fastest_ms(work: Callable[[], object]) -> float:
    work()  # the first run also loads and compiles
    times = []
    for _ in range(RUNS):
        began = time.thread_time()
        work()
        times.append(1e3 * (time.thread_time() - began))
    return round(min(times), 3)
