import numpy as np
import pytest

from service.inference.bands import BandMeter, hann, overlapping
from service.inference.features import FeatureSpec
from tests.audio import noise
from tests.bundles import triangular_bank
from tests.service.inference.test_features import LOUD_SPEC as SPEC
from tests.service.inference.test_features import RATE_HZ


def test_the_hann_window_is_periodic() -> None:
    window = hann(8)

    assert window[0] == 0
    assert window[4] == 1
    np.testing.assert_allclose(window[1:], window[:0:-1], atol=1e-7)
    # Shifted by half its length, a periodic Hann window adds up to one everywhere.
    np.testing.assert_allclose(window[:4] + window[4:], 1, atol=1e-7)


def test_frames_overlap_by_the_hop() -> None:
    samples = np.arange(1_000, dtype=np.float32)
    frames = overlapping(samples, 3, SPEC)
    assert frames.shape == (3, 512)
    assert frames[:, 0].tolist() == [0, 128, 256]
    np.testing.assert_array_equal(frames[2], samples[256:768])


def test_only_a_specification_with_a_loudness_measures_it() -> None:
    frames, plain = np.ones((2, 512), np.float32), SPEC.model_copy(update={"loudness_lufs": None})
    counts = [
        len(BandMeter(s, triangular_bank(s)).measure(frames).mean_squares) for s in (plain, SPEC)
    ]
    assert counts == [0, 2]


@pytest.mark.parametrize("spectrum", ["power", "magnitude"])
@pytest.mark.parametrize("fft_samples", [2, 511, 512])
def test_an_offset_can_be_taken_away_once_it_is_known(spectrum: str, fft_samples: int) -> None:
    spec = FeatureSpec.model_validate(
        {**SPEC.model_dump(), "spectrum": spectrum, "fft_samples": fft_samples}
    )
    meter = BandMeter(spec, triangular_bank(spec))
    frames = overlapping(noise(1.0, rate_hz=RATE_HZ), 9, spec)
    expected = meter.measure(frames)

    bands, lowest = meter.measure_upper(frames + np.float32(0.25))
    meter.add_lowest(bands, lowest, 0.25)

    np.testing.assert_allclose(bands.levels, expected.levels, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(bands.mean_squares, expected.mean_squares, rtol=1e-4)
