"""Ask bundles about clips, and count what their networks are asked."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from service.audio.decode import Clip, Samples, clip_of
from service.inference.bundle import Bundle
from service.inference.network import Answers, Network
from service.inference.windows import Windows
from tests.audio import RATE_HZ
from tests.bundles import SAMPLE_RATE_HZ, write_bundle


def decoded(samples: Samples, rate_hz: int = RATE_HZ) -> Clip:
    return clip_of(samples, rate_hz, [SAMPLE_RATE_HZ])


class CountedNetworks:
    """Counts how often each network file is asked about windows."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.windows: Counter[Network] = Counter()

        def run(network: Network, windows: Windows) -> Answers:
            self.windows[network] += len(windows)
            return RUN(network, windows)

        monkeypatch.setattr(Network, "run", run)

    def seen(self, bundle: Bundle) -> tuple[int, int]:
        """Return how many windows a bundle's embedding and head have seen."""
        assert bundle._embedding is not None
        return self.windows[bundle._embedding], self.windows[bundle._network]


RUN = Network.run


def amplified(folder: Path, gain: float = 2.0, **settings: Any) -> Bundle:
    return Bundle.load(write_bundle(folder, embedding_gain=gain, **settings))
