import shutil
import struct
import subprocess
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from service.audio import decode as audio
from service.audio.decode import Limits, clip_of, decode
from service.audio.excerpt import Excerpt
from service.errors import TooManySeconds, UnsupportedAudio, UnusableAudio
from tests.audio import ENCODINGS, RATE_HZ, Waveform, encode, encode_as, noise, stereo, tone

FORMATS = tuple(ENCODINGS)
# Opus' reference encoder leaves out the end of its last packet.
UNRELIABLE_END_S = 0.02


def waveform(data: bytes, rate_hz: int = RATE_HZ) -> Waveform:
    return decode(data, [rate_hz]).waveforms[rate_hz]


def loudest_hz(samples: Waveform, rate_hz: int) -> float:
    return float(np.abs(np.fft.rfft(samples)).argmax() * rate_hz / len(samples))


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
    monkeypatch.setattr(audio, "BLOCK_FRAMES", 5_000)

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


@pytest.mark.parametrize("name", ["wav", "aiff", "mp3"])
def test_a_file_cut_off_in_the_middle_is_decoded_with_a_warning(name: str) -> None:
    data = encode_as(name, tone(duration_s=4.0))

    clip = decode(data[: len(data) // 2])

    assert 1.5 < clip.duration_s < 2.1
    assert [warning.split(":")[0] for warning in clip.warnings] == ["truncated"]


def test_a_wav_of_64_bits_that_is_cut_off_is_decoded_with_a_warning() -> None:
    data = encode(tone(duration_s=4.0), container="RF64")
    assert decode(data).warnings == ()
    (warning,) = decode(data[: len(data) // 2]).warnings
    assert warning.startswith("truncated:")


def test_a_flac_file_cut_off_in_the_middle_is_unusable() -> None:
    data = encode_as("flac", tone(duration_s=4.0))
    with pytest.raises(UnusableAudio, match="flac file is broken"):
        decode(data[: len(data) // 2])


@pytest.mark.parametrize("stated_bytes", [0x7FFFF000, 0xFFFFFFFF])
def test_a_streamed_wav_whose_header_knows_no_length_is_not_called_truncated(
    stated_bytes: int,
) -> None:
    data = encode_as("wav", tone())
    length = struct.pack("<I", stated_bytes)
    streamed = data[:4] + length + data[8:40] + length + data[44:]

    clip = decode(streamed)

    assert clip.duration_s == 2.0
    assert clip.warnings == ()


def test_a_streamed_flac_whose_header_knows_no_length_is_not_called_truncated() -> None:
    clip = decode(flac_stating(0, tone()))

    assert clip.duration_s == 2.0
    assert clip.warnings == ()


def test_empty_upload_is_unusable() -> None:
    with pytest.raises(UnusableAudio, match="empty"):
        decode(b"")


@pytest.mark.parametrize("name", ["wav", "aiff", "ogg"])
def test_header_only_file_is_unusable(name: str) -> None:
    with pytest.raises(UnusableAudio, match="header-only"):
        decode(encode_as(name, tone()[:0]))


def test_header_only_wav_that_states_a_length_is_unusable() -> None:
    with pytest.raises(UnusableAudio, match="header-only"):
        decode(encode_as("wav", tone())[:44])


@pytest.mark.parametrize("name", ["wav", "flac", "aiff", "ogg", "opus"])
def test_a_file_that_ends_within_its_header_is_unusable(name: str) -> None:
    data = encode_as(name, tone(rate_hz=ENCODINGS[name].rate_hz))
    with pytest.raises(UnusableAudio, match="is broken"):
        decode(data[:20])


def test_audio_below_the_minimum_is_unusable_and_at_the_minimum_is_not() -> None:
    limits = Limits(min_duration_s=0.5)
    with pytest.raises(UnusableAudio, match=r"holds 0\.499 s .* at least 0\.5 s"):
        decode(encode(tone(duration_s=0.499)), limits=limits)
    assert decode(encode(tone(duration_s=0.5)), limits=limits).duration_s == 0.5


def test_random_bytes_are_not_audio() -> None:
    with pytest.raises(UnsupportedAudio, match="no audio that the service reads"):
        decode(np.random.default_rng(0).bytes(10_000))


@pytest.mark.parametrize(
    ("magic", "name"),
    [
        (b"\x00\x00\x00\x20ftypM4A ", "M4A"),
        (b"\x1aE\xdf\xa3", "WebM"),
        (b"0&\xb2u\x8ef\xcf\x11", "WMA"),
        (b"\x89PNG\r\n\x1a\n", "PNG"),
        (b"\xff\xd8\xff\xe0", "JPEG"),
        (b"%PDF-1.7", "PDF"),
        (b"PK\x03\x04", "ZIP"),
        (b"\x1f\x8b\x08", "gzip"),
    ],
)
def test_a_foreign_format_is_named_when_it_is_refused(magic: bytes, name: str) -> None:
    with pytest.raises(UnsupportedAudio, match=name):
        decode(magic + bytes(1_000))


@pytest.mark.parametrize("container", ["AU", "CAF", "W64"])
def test_a_container_that_is_not_promised_is_refused(container: str) -> None:
    with pytest.raises(UnsupportedAudio, match=container):
        decode(encode(tone(), container=container))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e30])
@pytest.mark.parametrize("channels", [1, 2])
def test_a_sample_that_is_no_usable_number_makes_the_file_unusable(
    value: float, channels: int
) -> None:
    samples = np.repeat(tone()[:, None], channels, axis=1)
    samples[1_000] = value
    with pytest.raises(UnusableAudio, match="not finite"):
        decode(encode(samples, subtype="FLOAT"))


def test_opposite_infinities_in_two_channels_make_the_file_unusable() -> None:
    samples = stereo(tone(), tone())
    samples[1_000] = [np.inf, -np.inf]
    with pytest.raises(UnusableAudio, match="not finite"):
        decode(encode(samples, subtype="FLOAT"))


def test_audio_above_the_maximum_is_too_long_and_at_the_maximum_is_not() -> None:
    limits = Limits(max_duration_s=1.5)
    with pytest.raises(TooManySeconds, match=r"longer than 1\.5 s"):
        decode(encode(tone(duration_s=1.501)), limits=limits)
    assert decode(encode(tone(duration_s=1.5)), limits=limits).duration_s == 1.5


@pytest.mark.parametrize("stated_frames", [0, RATE_HZ * 2, RATE_HZ * 10_000])
def test_the_limit_holds_whatever_length_the_header_states(stated_frames: int) -> None:
    with pytest.raises(TooManySeconds):
        decode(flac_stating(stated_frames, tone(duration_s=2.0)), limits=Limits(max_duration_s=1.0))


def test_a_header_that_states_too_much_is_not_believed() -> None:
    clip = decode(flac_stating(RATE_HZ * 10_000, tone(duration_s=2.0)))

    assert clip.duration_s == 2.0
    assert [warning.split(":")[0] for warning in clip.warnings] == ["truncated"]


def test_a_header_that_states_too_little_leaves_too_little() -> None:
    with pytest.raises(UnusableAudio, match="at least"):
        decode(flac_stating(1_000, tone(duration_s=2.0)))


def test_too_many_channels_are_unusable() -> None:
    many = np.repeat(tone(duration_s=0.2)[:, None], Limits.max_channels + 1, axis=1)
    with pytest.raises(UnusableAudio, match=f"{Limits.max_channels + 1} channels"):
        decode(encode(many))


@pytest.mark.parametrize(
    ("max_channels", "mend"), [(1, "Mix it to mono"), (2, "Mix it to stereo or mono")]
)
def test_the_limit_on_channels_is_told_with_the_mend(max_channels: int, mend: str) -> None:
    three = np.repeat(tone(duration_s=0.2)[:, None], 3, axis=1)
    limits = Limits(max_channels=max_channels)
    with pytest.raises(UnusableAudio, match=f"at most {max_channels} are read. {mend}"):
        decode(encode(three), limits=limits)
    decode(encode(three[:, :max_channels]), limits=limits)


@pytest.mark.parametrize("rate_hz", [2_000, 500_000])
def test_a_sampling_rate_out_of_range_is_unusable(rate_hz: int) -> None:
    with pytest.raises(UnusableAudio, match=f"{rate_hz} Hz is outside"):
        decode(encode(tone(rate_hz=rate_hz, duration_s=0.5), rate_hz))


def test_the_mend_of_a_sampling_rate_is_within_the_limit() -> None:
    limits = Limits(max_sample_rate_hz=22_050)
    with pytest.raises(UnusableAudio, match=r"4000 to 22050 Hz. Resample .* to 22050 Hz"):
        decode(encode(tone(), 44_100), limits=limits)
    decode(encode(tone(rate_hz=22_050), 22_050), limits=limits)


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


def flac_stating(n_frames: int, samples: Waveform) -> bytes:
    """Encode as FLAC and overwrite the number of samples in its header (36 bits)."""
    data = bytearray(encode_as("flac", samples))
    fields = int.from_bytes(data[18:26], "big")
    data[18:26] = (fields >> 36 << 36 | n_frames).to_bytes(8, "big")
    return bytes(data)


def test_fast_sampled_audio_is_brought_to_the_rate_that_is_needed() -> None:
    rate_hz = 192_000
    data = encode(tone(1_000, 2.0, rate_hz=rate_hz), rate_hz, container="FLAC")
    clip = decode(data, [16_000])
    assert clip.sample_rate_hz == rate_hz
    assert clip.duration_s == 2.0
    assert clip.warnings == ()
    assert loudest_hz(clip.waveforms[16_000], 16_000) == pytest.approx(1_000, abs=1)


@pytest.mark.skipif(shutil.which("lame") is None, reason="no LAME here")
@pytest.mark.parametrize("options", [["-b", "128"], ["-V", "5"], ["--abr", "96"], ["-m", "m"]])
def test_files_of_a_real_mp3_encoder_are_whole(options: list[str], tmp_path: Path) -> None:
    samples = tone(440, 3.0)
    wave_file, mp3_file = tmp_path / "clip.wav", tmp_path / "clip.mp3"
    wave_file.write_bytes(encode(stereo(samples, samples)))
    subprocess.run(  # noqa: S603
        ["lame", "--quiet", *options, str(wave_file), str(mp3_file)],  # noqa: S607  # of the system
        check=True,
    )

    clip = decode(mp3_file.read_bytes(), [RATE_HZ])

    assert clip.format == "mp3"
    assert clip.warnings == ()
    assert clip.duration_s == pytest.approx(3.0, abs=0.1)
    assert loudest_hz(clip.waveforms[RATE_HZ], RATE_HZ) == pytest.approx(440, abs=1)


def test_a_header_that_leads_to_before_the_file_raises_nothing_unseen() -> None:
    data = audio._Bytes(b"0123")
    assert data.seek(2) == 2
    assert data.seek(-1) == 2
    assert data.read() == b"23"


def ramp(duration_s: float) -> Waveform:
    """Return samples that each tell when they sound, in tenths of seconds."""
    return (np.arange(round(duration_s * RATE_HZ)) / RATE_HZ / 10).astype(np.float32)


@pytest.mark.parametrize(
    ("excerpt", "start_s", "end_s"),
    [
        (Excerpt(), 0.0, 4.0),
        (Excerpt(1.0), 1.0, 4.0),
        (Excerpt(0.0, 1.5), 0.0, 1.5),
        (Excerpt(1.25, 0.5), 1.25, 1.75),
        (Excerpt(3.5, 100.0), 3.5, 4.0),
        (Excerpt(1.4, 1 / 3), 1.4, 1.4 + 1 / 3),
    ],
)
def test_only_the_excerpt_is_heard(excerpt: Excerpt, start_s: float, end_s: float) -> None:
    clip = decode(encode(ramp(4.0), subtype="FLOAT"), [RATE_HZ], excerpt=excerpt)
    heard = clip.waveforms[RATE_HZ]
    assert clip.duration_s == pytest.approx(end_s - start_s, abs=1 / RATE_HZ)
    assert len(heard) == round(clip.duration_s * RATE_HZ)
    assert heard[0] * 10 == pytest.approx(start_s, abs=1 / RATE_HZ)
    assert heard[-1] * 10 == pytest.approx(end_s, abs=2 / RATE_HZ)


@pytest.mark.parametrize("name", ENCODINGS)
def test_an_excerpt_of_any_format_is_the_part_that_it_names(name: str) -> None:
    rate_hz = ENCODINGS[name].rate_hz
    parts = [tone(f, 1.0, rate_hz=rate_hz) for f in (300, 600, 1_200)]
    data = encode_as(name, np.concatenate(parts))
    clip = decode(data, [rate_hz], excerpt=Excerpt(1.1, 0.8))
    spectrum = np.abs(np.fft.rfft(clip.waveforms[rate_hz]))
    assert spectrum.argmax() / clip.duration_s == pytest.approx(600, abs=2)


def test_limits_on_seconds_count_what_is_heard() -> None:
    data, limits = encode(tone(duration_s=3.0)), Limits(max_duration_s=1.0)
    assert decode(data, limits=limits, excerpt=Excerpt(1.5, 1.0)).duration_s == 1.0
    with pytest.raises(TooManySeconds):
        decode(data, limits=limits, excerpt=Excerpt(1.5))
    with pytest.raises(UnusableAudio, match=r"0\.050 s of audio"):
        decode(data, limits=limits, excerpt=Excerpt(1.5, 0.05))


@pytest.mark.parametrize("start_s", [2.0, 5.0, 1e6])
def test_an_excerpt_behind_the_end_is_refused_with_where_that_is(start_s: float) -> None:
    with pytest.raises(UnusableAudio, match=r"ends at 2\.000 s.*Let start_s be less"):
        decode(encode(tone(duration_s=2.0)), excerpt=Excerpt(start_s))


def test_a_file_cut_off_behind_the_excerpt_is_not_called_truncated() -> None:
    data = encode(tone(duration_s=4.0))
    cut = data[: len(data) // 2]
    for excerpt, truncated in ((Excerpt(0.5, 1.0), False), (Excerpt(0.5, 3.0), True)):
        warnings = decode(cut, excerpt=excerpt).warnings
        assert any(warning.startswith("truncated") for warning in warnings) is truncated
