import numpy as np
from numpy.typing import NDArray

from service.inference.features import FeatureSpec, compute_grid
from tests.audio import noise, tone
from training.data.cache import HalfGrid
from training.data.filter_banks import make_bank
from training.data.near_duplicates import joined, near_duplicates

RATE_HZ = 16_000
SPEC = FeatureSpec(
    name="log_mel",
    sample_rate_hz=RATE_HZ,
    fft_samples=512,
    hop_samples=256,
    bands=96,
    spectrum="power",
    range_db=100.0,
    reference_power=1_000.0,
)


def grid_of(samples: NDArray[np.float32]) -> HalfGrid:
    return compute_grid(samples, SPEC, make_bank(SPEC)).astype(np.float16)


def melody(seed: int, notes: int = 40) -> NDArray[np.float32]:
    """Chance notes of a quarter of a second, each of three partials."""
    rng = np.random.default_rng(seed)
    played = [
        sum(tone(float(f0 * k), 0.25, rate_hz=RATE_HZ, amplitude=0.2 / k) for k in (1, 2, 3))
        for f0 in rng.uniform(150, 1_500, notes)
    ]
    return np.concatenate(played).astype(np.float32)


def test_a_recording_is_found_again_when_cut_quieter_and_noisy() -> None:
    recording = melody(1)
    later = 0.5 * recording[int(1.003 * RATE_HZ) :]
    hiss = noise(len(later) / RATE_HZ, rate_hz=RATE_HZ, amplitude=0.003)[: len(later)]
    grids = [grid_of(sound) for sound in (melody(2), recording, melody(3), later + hiss)]

    assert near_duplicates(grids) == [(1, 3)]


def test_steady_sounds_and_silence_are_not_taken_for_copies() -> None:
    low, high = (tone(hz, 5.0, rate_hz=RATE_HZ) for hz in (220.0, 330.0))
    silence = np.zeros(5 * RATE_HZ, dtype=np.float32)

    assert near_duplicates([grid_of(sound) for sound in (low, high, silence, silence)]) == []


def test_clips_too_short_to_tell_are_left_alone() -> None:
    assert near_duplicates([grid_of(tone(440.0, 0.1, rate_hz=RATE_HZ))] * 2) == []


def test_chains_of_pairs_are_joined() -> None:
    assert joined(6, [(4, 5), (0, 2), (2, 4)]) == [0, 1, 0, 3, 0, 0]
