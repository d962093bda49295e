import numpy as np
import pytest

from service.audio import decode as audio
from service.audio.decode import decode
from service.audio.quality import Levels
from tests.audio import ENCODINGS, RATE_HZ, Waveform, encode, encode_as, noise, stereo, tone

FORMATS = tuple(ENCODINGS)


def warning_names(data: bytes) -> list[str]:
    return [warning.split(":")[0] for warning in decode(data).warnings]


@pytest.mark.parametrize("name", FORMATS)
def test_a_clean_tone_has_no_warnings(name: str) -> None:
    assert warning_names(encode_as(name, tone(rate_hz=ENCODINGS[name].rate_hz))) == []


@pytest.mark.parametrize(
    ("expected", "samples", "rate_hz"),
    [
        ("silent", np.zeros(2 * RATE_HZ, np.float32), RATE_HZ),
        ("quiet", tone(amplitude=0.005), RATE_HZ),
        ("clipped", np.clip(tone(amplitude=3), -1, 1), RATE_HZ),
        ("dc_offset", tone(amplitude=0.3) + np.float32(0.1), RATE_HZ),
        ("phase", stereo(tone(), -0.9 * tone()), RATE_HZ),
        ("short", tone(duration_s=0.5), RATE_HZ),
        ("low_sample_rate", tone(rate_hz=8_000), 8_000),
    ],
)
def test_each_defect_raises_its_own_warning_only(
    expected: str, samples: Waveform, rate_hz: int
) -> None:
    assert warning_names(encode(samples, rate_hz)) == [expected]


def test_a_loud_but_whole_tone_is_not_called_clipped() -> None:
    assert warning_names(encode(tone(amplitude=0.99))) == []


def test_channels_that_cancel_are_found_beside_a_silent_one() -> None:
    samples = np.stack([tone(), -0.8 * tone(), 0 * tone()], axis=1)
    assert warning_names(encode(samples)) == ["phase"]


def test_one_silent_channel_is_not_called_phase_cancellation() -> None:
    assert warning_names(encode(stereo(tone(), 0 * tone()))) == []


def test_a_defect_is_found_whichever_blocks_it_lies_in(monkeypatch: pytest.MonkeyPatch) -> None:
    late = np.concatenate([tone(duration_s=2.0), np.clip(tone(amplitude=3), -1, 1)])
    data = [
        encode(samples) for samples in (late, late[::-1], tone(amplitude=0.3) + np.float32(0.1))
    ]
    monkeypatch.setattr(audio, "BLOCK_FRAMES", 1_000)

    assert [warning_names(file) for file in data] == [["clipped"], ["clipped"], ["dc_offset"]]


def test_levels_are_those_of_all_samples_however_they_come() -> None:
    samples = stereo(noise(1.0), 0.1 + 1.2 * noise(1.0, seed=1))
    mono = samples.mean(axis=1)
    levels = Levels(RATE_HZ, 2)

    for block in np.array_split(np.arange(len(mono)), [10, 10, 30_000]):
        levels.add(samples[block], mono[block])

    assert levels.duration_s == 1.0
    assert levels.peak == np.abs(mono).max()
    assert levels.offset == pytest.approx(mono.mean(), rel=1e-4)
    assert levels.power == pytest.approx((mono**2).mean(), rel=1e-4)
    assert levels.loudest_channel_power == pytest.approx((samples[:, 1] ** 2).mean(), rel=1e-4)
