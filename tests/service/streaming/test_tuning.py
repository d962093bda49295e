import numpy as np
import pytest

from service.inference.features import FeatureSpec, Grid
from service.streaming.tuning import LASTS_S, SETTLES_S, RunningTuning

SPEC = FeatureSpec(
    name="log_frequency",
    sample_rate_hz=11_025,
    fft_samples=4_096,
    hop_samples=1_024,
    bands=36,
    spectrum="magnitude",
    range_db=60.0,
)
SETTLES_FRAMES = int(np.ceil(SETTLES_S / SPEC.hop_s))
BEYOND_CENTS = 25.0


def frames(cents: float, count: int, spec: FeatureSpec = SPEC) -> Grid:
    """Return what a filter bank lets through of something that is tuned so."""
    phases = 2 * np.pi * (np.arange(spec.bands) / 3 - cents / 100)
    magnitudes = 1 + np.cos(phases)
    if spec.spectrum == "power":
        magnitudes **= 2
    return np.tile(magnitudes, (count, 1)).astype(np.float32)


def test_it_is_told_at_once_and_followed_after_some_seconds() -> None:
    tuning = RunningTuning(SPEC, BEYOND_CENTS)
    tuning.hear(frames(40, SETTLES_FRAMES - 1))
    assert tuning.cents == pytest.approx(40)
    assert tuning.moved_cents == 0
    tuning.hear(frames(40, 1))
    assert tuning.moved_cents == pytest.approx(40)


@pytest.mark.parametrize(("beyond_cents", "cents"), [(None, 40), (BEYOND_CENTS, 20)])
def test_what_nobody_asks_to_move_or_is_nearly_in_tune_is_only_told(
    beyond_cents: float | None, cents: float
) -> None:
    tuning = RunningTuning(SPEC, beyond_cents)
    tuning.hear(frames(cents, SETTLES_FRAMES))
    assert tuning.cents == pytest.approx(cents)
    assert tuning.moved_cents == 0


def test_nothing_has_no_tuning() -> None:
    tuning = RunningTuning(SPEC, BEYOND_CENTS)
    assert tuning.cents is None
    tuning.hear(np.zeros((SETTLES_FRAMES, SPEC.bands), np.float32))
    assert tuning.cents is None
    assert tuning.moved_cents == 0


def test_what_was_heard_long_ago_counts_less() -> None:
    tuning = RunningTuning(SPEC, BEYOND_CENTS)
    minute = int(LASTS_S / SPEC.hop_s)
    tuning.hear(frames(40, minute))
    for _ in range(4):
        tuning.hear(frames(-10, minute))
    assert tuning.cents == pytest.approx(-10, abs=2)


def test_power_is_heard_as_magnitudes() -> None:
    spec = SPEC.model_copy(update={"spectrum": "power"})
    tuning = RunningTuning(spec, BEYOND_CENTS)
    tuning.hear(frames(-30, 1, spec))
    assert tuning.cents == pytest.approx(-30)
