from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from service.inference.features import FeatureSpec, FilterBank, Grid
from tests.audio import tone
from tests.training.made import write_wav
from tests.training.tiny import TOY
from training.comparison.sources import ComputedAudio
from training.data.filter_banks import make_bank
from training.data.readers import AudioFile

RATE_HZ = TOY.inputs.features.sample_rate_hz


def level(samples: NDArray[np.float32], spec: FeatureSpec, bank: FilterBank) -> Grid:  # noqa: ARG001
    return np.full((1, spec.bands), np.abs(samples).max(), np.float32)


def test_the_function_gets_the_waveform_at_the_rate_of_the_specification(tmp_path: Path) -> None:
    file = write_wav(tmp_path / "a.wav", tone(300, 0.5, rate_hz=2 * RATE_HZ), 2 * RATE_HZ)
    source = ComputedAudio(AudioFile(file), level)
    grid = source.grid(TOY.inputs.features, make_bank(TOY.inputs.features))
    assert grid.shape == (1, TOY.inputs.features.bands)
    np.testing.assert_allclose(grid, 0.5, atol=0.05)


def test_it_is_known_by_its_file(tmp_path: Path) -> None:
    audio = AudioFile(write_wav(tmp_path / "a.wav", tone(300, 0.5, rate_hz=RATE_HZ), RATE_HZ))
    source = ComputedAudio(audio, level)
    assert (source.name, source.content_key()) == (audio.name, audio.content_key())
