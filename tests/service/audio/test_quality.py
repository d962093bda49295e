import numpy as np
import pytest

from service.audio.decode import decode
from service.audio.quality import Levels, Loss, quality_warnings
from service.audio.readers import sndfile
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
    monkeypatch.setattr(sndfile, "BLOCK_FRAMES", 1_000)

    assert [warning_names(file) for file in data] == [["clipped"], ["clipped"], ["dc_offset"]]


def levels_of(samples: Waveform, mono: Waveform) -> Levels:
    levels = Levels(RATE_HZ, samples.shape[1])
    for block in np.array_split(np.arange(len(mono)), [10, 10, 30_000]):
        levels.add(samples[block], mono[block])
    return levels


def test_levels_are_those_of_all_samples_however_they_come() -> None:
    samples = stereo(noise(1.0), 0.1 + 1.2 * noise(1.0, seed=1))
    mono = samples.mean(axis=1)

    levels = levels_of(samples, mono)

    assert levels.duration_s == 1.0
    assert levels.peak == np.abs(samples).max()
    assert levels.offset == pytest.approx(mono.mean(), rel=1e-4)
    assert (levels.gain, levels.full_scale, levels.loudest_channel) == (1, 1, 1)
    assert not levels.cancelled


def test_levels_are_those_of_the_channels_with_a_sound() -> None:
    samples = stereo(0.1 + noise(1.0), 0 * noise(1.0))
    levels = levels_of(samples, samples.mean(axis=1))
    assert levels.gain == 2
    assert levels.offset == pytest.approx(0.1, abs=0.01)


def test_unlike_channels_do_not_cancel_however_many() -> None:
    many = np.stack([noise(1.0, seed=seed) for seed in range(32)], axis=1)
    assert not levels_of(many, many.mean(axis=1)).cancelled
    half = np.concatenate([many[:, :16], -many[:, :16]], axis=1)
    assert levels_of(half, half.mean(axis=1)).cancelled


def test_integers_are_told_with_their_scale_and_clip_where_they_end() -> None:
    loud = np.clip(3 * tone(), -1, 1)[:, np.newaxis] * np.float32(32_767)
    levels = levels_of(loud, loud[:, 0])
    assert levels.full_scale == 32_768
    assert levels.peak == pytest.approx(1, abs=1e-4)
    names = [warning.split(":")[0] for warning in quality_warnings(levels)]
    assert names == ["level", "clipped"]


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        (Loss(), []),
        (Loss(stated_s=2.05), []),
        (Loss(stated_s=4.0), ["truncated: the last 2.0 s of the 4.0 s that its header states"]),
        (Loss(stated_s=1e6), []),  # more than a day: the header is wrong
        (Loss(cut_off=True), ["truncated: the file ends before its own end"]),
        (Loss(damaged_s=0.5), ["damaged: about 0.50 s in between"]),
        (Loss(stated_s=2.5, damaged_s=0.5), ["damaged: about 0.50 s in between"]),
        (Loss(4.0, 0.5), ["truncated: the last 1.5 s of the 4.0 s", "damaged: about 0.50 s"]),
    ],
)
def test_what_is_missing_is_told_on_evidence_only(loss: Loss, expected: list[str]) -> None:
    samples = stereo(tone(), tone())
    found = quality_warnings(levels_of(samples, samples[:, 0]), loss)
    assert len(found) == len(expected)
    assert all(warning.startswith(start) for warning, start in zip(found, expected, strict=True))
