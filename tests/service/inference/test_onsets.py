from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import ValidationError

from service.inference.onsets import REACH_S, OnsetMeter, OnsetSpec, move_to_onsets
from tests.audio import noise, tone

RATE_HZ = 11_025
SPEC = OnsetSpec(fft_samples=256, hop_samples=128)
STEP_S = SPEC.hop_samples / RATE_HZ


def strengths_of(*pieces: NDArray[np.float32]) -> NDArray[np.float32]:
    meter = OnsetMeter(SPEC)
    for piece in pieces:
        meter.add(piece)
    return meter.end()


def struck(*times_s: float, duration_s: float = 2.0) -> NDArray[np.float32]:
    """Return tones that begin at some times, each higher than the one before, and die away."""
    time_s = np.arange(round(duration_s * RATE_HZ)) / RATE_HZ
    sound = 1e-4 * noise(duration_s, rate_hz=RATE_HZ).astype(np.float64)
    for number, start_s in enumerate(times_s):
        since_s = np.maximum(time_s - start_s, 0)
        sound += np.sin(2 * np.pi * 220 * (number + 1) * since_s) * np.exp(-4 * since_s)
    return sound.astype(np.float32)


@pytest.mark.parametrize("at_s", [0.3, 0.7117, 1.25])
def test_most_begins_where_something_is_struck(at_s: float) -> None:
    strengths = strengths_of(struck(at_s))
    assert strengths.argmax() * STEP_S == pytest.approx(at_s, abs=1.5 * STEP_S)


@pytest.mark.parametrize("piece", [1, 100, 127, 128, 5_000, 22_050])
def test_however_a_waveform_comes_as_much_begins(piece: int) -> None:
    sound = struck(0.4, 0.9)[: RATE_HZ // 2 if piece == 1 else None]
    pieces = [sound[first : first + piece] for first in range(0, len(sound), piece)]
    np.testing.assert_allclose(strengths_of(*pieces), strengths_of(sound), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("n_samples", [0, 1, 127, 128, 300])
def test_the_shortest_waveforms_have_steps_to_their_end(n_samples: int) -> None:
    strengths = strengths_of(np.zeros(n_samples, np.float32))
    assert len(strengths) >= n_samples // SPEC.hop_samples
    assert not strengths.any()


def test_how_loud_it_is_changes_nothing_but_the_scale() -> None:
    sound = struck(0.4, 0.9)
    loud, soft = strengths_of(sound), strengths_of(np.float32(1e-4) * sound)
    np.testing.assert_allclose(soft * 10, loud, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("away_s", [-0.12, -0.05, 0.0, 0.03, 0.1])
def test_a_boundary_moves_to_what_is_struck_near_it(away_s: float) -> None:
    moved = move_to_onsets([0.0, 1.0 + away_s, 2.0], strengths_of(struck(0.0, 1.0)), STEP_S)
    assert moved == pytest.approx([0.0, 1.0, 2.0], abs=STEP_S)


def test_what_is_struck_beyond_reach_moves_nothing_so_far() -> None:
    edge_s = 1.0 - 2 * REACH_S
    moved = move_to_onsets([0.0, edge_s, 2.0], strengths_of(struck(0.0, 1.0)), STEP_S)
    assert abs(moved[1] - edge_s) <= REACH_S


def test_of_two_alike_the_nearer_is_taken() -> None:
    strengths = np.zeros(200, np.float32)
    strengths[[90, 97]] = 1.0
    moved = move_to_onsets([0.0, 95 * STEP_S, 2.0], strengths, STEP_S)
    assert moved[1] == pytest.approx(97 * STEP_S, abs=0.1 * STEP_S)


def test_the_top_of_what_begins_may_lie_between_two_steps() -> None:
    strengths = np.full(200, 0.1, np.float32)
    strengths[[90, 91]] = 1.0
    moved = move_to_onsets([0.0, 90.5 * STEP_S, 2.0], strengths, STEP_S)
    assert moved[1] == pytest.approx(90.5 * STEP_S, abs=0.01 * STEP_S)


def test_in_silence_boundaries_stay() -> None:
    edges_s = [0.0, 0.51, 0.9, 2.0]
    assert move_to_onsets(edges_s, np.zeros(200, np.float32), STEP_S) == edges_s
    assert move_to_onsets(edges_s, np.zeros(0, np.float32), STEP_S) == edges_s


def test_boundaries_close_to_each_other_keep_their_order() -> None:
    rng = np.random.default_rng(0)
    edges_s = np.cumsum(rng.uniform(0.02, 0.1, 40)).tolist()
    moved = move_to_onsets(edges_s, rng.random(400).astype(np.float32), STEP_S)
    assert all(before < after for before, after in pairwise(moved))
    assert (moved[0], moved[-1]) == (edges_s[0], edges_s[-1])


def test_two_boundaries_do_not_meet_where_something_begins_between_them() -> None:
    strengths = np.zeros(200, np.float32)
    strengths[100] = 1.0
    edges_s = [0.0, 90 * STEP_S, 110 * STEP_S, 2.0]
    moved = move_to_onsets(edges_s, strengths, STEP_S)
    assert moved[2] - moved[1] >= (edges_s[2] - edges_s[1]) / 3


def test_a_lasting_tone_begins_once() -> None:
    lasting = tone(440.0, 2.0, rate_hz=RATE_HZ)
    strengths = strengths_of(np.concatenate([np.zeros(RATE_HZ, np.float32), lasting]))
    first = round(1.0 / STEP_S)
    assert strengths.argmax() == pytest.approx(first, abs=1)
    assert strengths[first + 10 : -10].max() < strengths.max() / 50


@pytest.mark.parametrize(
    "change", [{"fft_samples": 255}, {"fft_samples": 0}, {"hop_samples": 0}, {"hop_samples": 257}]
)
def test_impossible_steps_are_refused(change: dict[str, int]) -> None:
    with pytest.raises(ValidationError, match=next(iter(change))):
        OnsetSpec.model_validate(SPEC.model_dump() | change)
