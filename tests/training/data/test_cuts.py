from pathlib import Path

import numpy as np
import pytest

from service.inference.features import compute_grid
from tests.audio import tone
from tests.training.made import write_wav
from tests.training.tiny import TOY
from training.data.cuts import CutAudio, cut
from training.data.filter_banks import make_bank
from training.data.readers import AudioFile

RATE_HZ = 1_000
RAMP = np.linspace(0.001, 1, 1_000, dtype=np.float32)


def test_a_cut_is_as_long_as_asked() -> None:
    np.testing.assert_array_equal(cut(RAMP, RATE_HZ, 0.3)[:1], RAMP[10:11])
    assert len(cut(RAMP, RATE_HZ, 0.3)) == 300


def test_a_cut_begins_where_it_sounds() -> None:
    samples = np.concatenate([np.zeros(500, np.float32), np.ones(500, np.float32)])
    assert (cut(samples, RATE_HZ, 0.2) == 1).all()


def test_where_too_little_follows_the_onset_the_end_is_taken() -> None:
    samples = np.concatenate([np.zeros(900, np.float32), np.ones(100, np.float32)])
    np.testing.assert_array_equal(cut(samples, RATE_HZ, 0.4), samples[-400:])


@pytest.mark.parametrize("n_samples", [0, 1, 200])
def test_what_is_shorter_stays_whole(n_samples: int) -> None:
    np.testing.assert_array_equal(cut(RAMP[:n_samples], RATE_HZ, 0.3), RAMP[:n_samples])


def test_silence_is_cut_from_its_beginning() -> None:
    assert len(cut(np.zeros(1_000, np.float32), RATE_HZ, 0.3)) == 300


def test_a_cut_file_has_the_features_of_its_beginning(tmp_path: Path) -> None:
    spec = TOY.inputs.features
    rate_hz = spec.sample_rate_hz
    samples = np.concatenate([tone(300, 0.5, rate_hz=rate_hz), tone(2_000, 0.5, rate_hz=rate_hz)])
    file = AudioFile(write_wav(tmp_path / "clip.wav", samples, rate_hz))
    bank = make_bank(spec)

    grid = CutAudio(file, 0.5).grid(spec, bank)

    expected = compute_grid(samples[: rate_hz // 2], spec, bank)
    assert grid.shape == expected.shape
    np.testing.assert_allclose(grid, expected, atol=0.02)


def test_each_length_has_a_name_and_a_content_of_its_own(tmp_path: Path) -> None:
    file = AudioFile(write_wav(tmp_path / "clip.wav", RAMP, RATE_HZ))
    cuts = [CutAudio(file, 0.1), CutAudio(file, 0.3)]
    assert len({c.content_key() for c in cuts} | {file.content_key()}) == 3
    assert [c.name for c in cuts] == [f"{file.name} (cut to {s} s)" for s in (0.1, 0.3)]
