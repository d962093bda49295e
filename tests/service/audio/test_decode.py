import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from service.audio.decode import Limits, clip_of, decode
from service.audio.readers import sndfile
from service.errors import UnsupportedAudio
from tests.audio import (
    ENCODINGS,
    MUXINGS,
    RATE_HZ,
    Waveform,
    encode,
    encode_as,
    mux,
    noise,
    stereo,
    tone,
)
from tests.service.audio.heard import loudest_hz, without_order

FORMATS = tuple(ENCODINGS)
# Opus' reference encoder leaves out the end of its last packet.
UNRELIABLE_END_S = 0.02


def waveform(data: bytes, rate_hz: int = RATE_HZ) -> Waveform:
    return decode(data, [rate_hz]).waveforms[rate_hz]


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_decodes_to_the_waveform_that_was_encoded(name: str) -> None:
    encoding = ENCODINGS[name]
    original = tone(440, 4.0, rate_hz=encoding.rate_hz)

    clip = decode(encode_as(name, original), [encoding.rate_hz])

    assert clip.format == name
    assert clip.sample_rate_hz == encoding.rate_hz
    samples = clip.waveforms[encoding.rate_hz]
    assert clip.channels == 1
    assert clip.duration_s == pytest.approx(4.0, abs=0.01)
    assert samples.dtype == np.float32
    reliable = slice(0, len(original) - round(UNRELIABLE_END_S * encoding.rate_hz))
    np.testing.assert_allclose(
        samples[reliable], original[reliable], atol=encoding.tolerance, rtol=0
    )


@pytest.mark.parametrize("name", FORMATS)
def test_block_boundaries_leave_no_trace(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rates_hz = [ENCODINGS[name].rate_hz, 16_000, 11_025]
    data = encode_as(name, noise(2.0, rate_hz=rates_hz[0]))
    whole = decode(data, rates_hz).waveforms
    monkeypatch.setattr(sndfile, "BLOCK_FRAMES", 5_000)

    in_blocks = decode(data, rates_hz).waveforms

    for rate_hz in rates_hz:
        np.testing.assert_array_equal(in_blocks[rate_hz], whole[rate_hz])


@pytest.mark.parametrize("container", ["WAVEX", "RF64"])
def test_a_newer_kind_of_wav_is_called_wav(container: str) -> None:
    assert decode(encode(tone(), container=container)).format == "wav"


def test_stereo_is_mixed_to_the_mean_of_its_channels() -> None:
    left, right = tone(440, amplitude=0.6), tone(1000, amplitude=0.3)

    clip = decode(encode(stereo(left, right), subtype="FLOAT"), [RATE_HZ])

    assert clip.channels == 2
    np.testing.assert_allclose(clip.waveforms[RATE_HZ], (left + right) / 2, atol=1e-6)


def test_as_many_channels_as_allowed_are_mixed() -> None:
    original = tone(duration_s=1.0)
    many = np.repeat(original[:, None], Limits.max_channels, axis=1)

    clip = decode(encode(many, subtype="FLOAT"), [RATE_HZ])

    assert clip.channels == Limits.max_channels
    np.testing.assert_allclose(clip.waveforms[RATE_HZ], original, atol=1e-5)


def test_random_bytes_are_not_audio() -> None:
    with pytest.raises(UnsupportedAudio, match="no audio that the service reads"):
        decode(np.random.default_rng(0).bytes(10_000))


def test_a_foreign_format_is_named_when_it_is_refused() -> None:
    with pytest.raises(UnsupportedAudio, match="PNG"):
        decode(b"\x89PNG\r\n\x1a\n" + bytes(1_000))


@pytest.mark.parametrize("container", ["AU", "CAF", "W64"])
def test_a_rarer_container_is_read(container: str) -> None:
    clip = decode(encode(tone(), container=container), [RATE_HZ])
    assert clip.format == container.lower()
    np.testing.assert_allclose(clip.waveforms[RATE_HZ], tone(), atol=1e-4)


@pytest.mark.parametrize("name", MUXINGS)
def test_what_ffmpeg_reads_is_described_and_resampled(name: str) -> None:
    answer, muxing = MUXINGS[name]
    clip = decode(mux(tone(440, 3.0, rate_hz=muxing.rate_hz), muxing), [16_000])
    assert (clip.format, clip.sample_rate_hz) == (answer, muxing.rate_hz)
    assert clip.duration_s == pytest.approx(3.0, abs=0.1)
    assert not [warning for warning in clip.warnings if "low_sample_rate" not in warning]
    assert loudest_hz(clip.waveforms[16_000], 16_000) == pytest.approx(440, abs=1)


@pytest.mark.parametrize("rate_hz", [16_000, 48_000, 96_000])
def test_resampling_keeps_a_tone_a_tone(rate_hz: int) -> None:
    resampled = waveform(encode(tone(440, 1.0), subtype="FLOAT"), rate_hz)

    assert resampled.dtype == np.float32
    assert len(resampled) == rate_hz
    inner = slice(rate_hz // 16, -rate_hz // 16)
    np.testing.assert_allclose(resampled[inner], tone(440, 1.0, rate_hz=rate_hz)[inner], atol=1e-3)


def test_resampling_removes_what_the_lower_rate_cannot_hold() -> None:
    assert np.abs(waveform(encode(tone(10_000, 1.0)), 16_000)[1_000:-1_000]).max() < 1e-3


def test_resampling_to_the_same_rate_changes_nothing() -> None:
    samples = noise(1.0)
    np.testing.assert_array_equal(waveform(encode(samples, subtype="FLOAT")), samples)


def test_a_clip_has_the_waveforms_that_are_asked_for() -> None:
    assert list(decode(encode(tone()), [16_000, 11_025]).waveforms) == [16_000, 11_025]
    assert decode(encode(tone())).waveforms == {}


def test_a_waveform_at_hand_is_as_good_as_a_file_of_it() -> None:
    samples = noise(0.5, rate_hz=22_050, amplitude=0.005)
    made = clip_of(samples, 22_050, [16_000])
    decoded = decode(encode(samples, 22_050, subtype="FLOAT"), [16_000])
    np.testing.assert_array_equal(made.waveforms[16_000], decoded.waveforms[16_000])
    assert replace(made, waveforms={}) == replace(decoded, waveforms={})


def test_the_recording_as_it_is_in_the_file_is_never_in_memory_whole() -> None:
    rate_hz, channels = 384_000, 2
    silence = np.zeros((20 * rate_hz, channels), np.float32)
    data = encode(silence, rate_hz, container="FLAC")

    tracemalloc.start()
    decode(data, [16_000, 11_025])
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak_bytes < silence.nbytes / channels / 4


def test_fast_sampled_audio_is_brought_to_the_rate_that_is_needed() -> None:
    rate_hz = 192_000
    data = encode(tone(1_000, 2.0, rate_hz=rate_hz), rate_hz, container="FLAC")
    clip = decode(data, [16_000])
    assert clip.sample_rate_hz == rate_hz
    assert clip.duration_s == 2.0
    assert clip.warnings == ()
    assert loudest_hz(clip.waveforms[16_000], 16_000) == pytest.approx(1_000, abs=1)


def test_channels_that_cancel_leave_the_loudest_with_a_warning() -> None:
    samples = stereo(0.8 * tone(), -tone())
    clip = decode(encode(samples, subtype="FLOAT"), [RATE_HZ])
    np.testing.assert_allclose(clip.waveforms[RATE_HZ], -tone(), atol=1e-6)
    assert (clip.channels, clip.silent) == (2, False)
    assert without_order(clip.warnings) == {"phase"}


def test_one_channel_of_many_is_heard_as_if_it_were_alone() -> None:
    many = np.zeros((2 * RATE_HZ, 8), np.float32)
    many[:, 0] = tone()
    clip = decode(encode(many, subtype="FLOAT"), [RATE_HZ])
    np.testing.assert_allclose(clip.waveforms[RATE_HZ], tone(), atol=1e-6)
    assert clip.warnings == ()
