import re
import shutil
import struct
import subprocess
import time
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from service.audio.decode import Limits, clip_of, decode
from service.audio.excerpt import Excerpt
from service.audio.readers import sndfile
from service.errors import TooManySeconds, UnsupportedAudio, UnusableAudio
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
    varying_mp3,
)
from tests.service.audio.test_tags import ID3V1, apev2, id3v2

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


def test_a_flac_file_cut_off_in_the_middle_is_decoded_with_a_warning() -> None:
    data = encode_as("flac", tone(duration_s=4.0))
    clip = decode(data[: len(data) // 2])
    assert 1.5 < clip.duration_s < 2.1
    assert clip.warnings == (
        f"truncated: the last {4 - clip.duration_s:.1f} s of the 4.0 s that its header states are "
        "missing",
    )


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
    with pytest.raises(UnusableAudio, match=r"is broken|has no chunk 'data'"):
        decode(data[:20])


def test_audio_below_the_minimum_is_unusable_and_at_the_minimum_is_not() -> None:
    limits = Limits(min_duration_s=0.5)
    with pytest.raises(UnusableAudio, match=r"holds 0\.499 s .* at least 0\.5 s"):
        decode(encode(tone(duration_s=0.499)), limits=limits)
    assert decode(encode(tone(duration_s=0.5)), limits=limits).duration_s == 0.5


def test_random_bytes_are_not_audio() -> None:
    with pytest.raises(UnsupportedAudio, match="no audio that the service reads"):
        decode(np.random.default_rng(0).bytes(10_000))


def test_a_foreign_format_is_named_when_it_is_refused() -> None:
    with pytest.raises(UnsupportedAudio, match="PNG"):
        decode(b"\x89PNG\r\n\x1a\n" + bytes(1_000))


def test_a_format_that_the_operator_excludes_is_refused() -> None:
    limits = Limits(formats=("flac",))
    assert decode(encode_as("flac", tone()), limits=limits).format == "flac"
    with pytest.raises(UnsupportedAudio, match=r"is WAV, which this server is set not to read"):
        decode(encode(tone()), limits=limits)


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


def test_a_header_that_states_too_little_is_not_believed() -> None:
    clip = decode(flac_stating(1_000, tone(duration_s=2.0)))
    assert (clip.duration_s, clip.warnings) == (2.0, ())


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


def without_order(warnings: tuple[str, ...]) -> set[str]:
    return {warning.split(":")[0] for warning in warnings}


def damaged(name: str) -> bytes:
    data = bytearray(encode_as(name, noise(4.0)))
    middle = len(data) // 2
    data[middle : middle + 600] = b"\x55" * 600
    return bytes(data)


@pytest.mark.parametrize("name", ["mp3", "flac", "ogg"])
def test_a_hole_in_a_file_is_left_out_with_a_warning_that_tells_how_much(name: str) -> None:
    clip = decode(damaged(name))
    assert 3.0 < clip.duration_s < 4.1
    (warning,) = clip.warnings
    told = re.fullmatch(r"damaged: about (\d\.\d\d) s in between could not be decoded", warning)
    assert told is not None
    assert 0 < float(told[1]) < 1.0


@pytest.mark.parametrize(
    "around",
    [(bytes(2_000), b""), (id3v2(300) + id3v2(60_000), b""), (b"", ID3V1), (apev2(), apev2())],
    ids=["zeros", "two tags", "tag at the end", "ape tags"],
)
@pytest.mark.parametrize("name", ["mp3", "flac", "wav"])
def test_tags_and_zeros_around_a_file_change_nothing(
    name: str, around: tuple[bytes, bytes]
) -> None:
    data = encode_as(name, noise(1.0))
    whole, clip = decode(data, [RATE_HZ]), decode(around[0] + data + around[1], [RATE_HZ])
    np.testing.assert_array_equal(clip.waveforms[RATE_HZ], whole.waveforms[RATE_HZ])
    assert clip.warnings == whole.warnings == ()


def test_a_wav_whose_recorder_crashed_is_read_to_its_end() -> None:
    data = encode(tone())
    clip = decode(data[:4] + bytes(4) + data[8:40] + bytes(4) + data[44:])
    assert (clip.duration_s, clip.warnings) == (2.0, ())


@pytest.mark.parametrize("name", ["ogg", "opus"])
def test_a_chain_as_radio_servers_send_it_is_read_to_its_end(name: str) -> None:
    rate_hz = ENCODINGS[name].rate_hz
    one, other = (encode_as(name, tone(f, 2.0, rate_hz=rate_hz)) for f in (440, 880))
    clip = decode(one + other, [rate_hz])
    assert clip.duration_s == pytest.approx(4.0, abs=0.05)
    assert clip.warnings == ()
    halves = np.array_split(clip.waveforms[rate_hz], 2)
    assert [loudest_hz(half, rate_hz) for half in halves] == pytest.approx([440, 880], abs=1)


def test_a_cut_off_ogg_is_decoded_with_a_warning() -> None:
    data = encode_as("ogg", noise(4.0))
    assert without_order(decode(data[: len(data) // 2]).warnings) == {"truncated"}


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


@pytest.mark.parametrize("name", ["wav", "flac", "mp3", "ogg", "opus", "aiff"])
def test_an_excerpt_is_that_part_of_the_whole(name: str) -> None:
    rate_hz = ENCODINGS[name].rate_hz
    data = encode_as(name, noise(4.0, rate_hz=rate_hz))
    whole = decode(data, [rate_hz]).waveforms[rate_hz]

    clip = decode(data, [rate_hz], excerpt=Excerpt(1.5, 2.0))

    assert clip.duration_s == 2.0
    assert clip.warnings == ()
    begin = round(1.5 * rate_hz)
    part = whole[begin : begin + 2 * rate_hz]
    np.testing.assert_allclose(clip.waveforms[rate_hz], part, atol=2e-3)


@pytest.mark.parametrize("name", ["m4a", "aac", "wavpack"])
def test_an_excerpt_of_what_ffmpeg_reads_is_that_part_of_the_whole(name: str) -> None:
    data = mux(np.concatenate([tone(440, 3.0), tone(880, 3.0)]), MUXINGS[name][1])
    clip = decode(data, [RATE_HZ], excerpt=Excerpt(3.5))
    assert clip.duration_s == pytest.approx(2.5, abs=0.1)
    assert loudest_hz(clip.waveforms[RATE_HZ], RATE_HZ) == pytest.approx(880, abs=1)


def test_an_excerpt_is_sought_not_decoded_from_the_beginning() -> None:
    data = varying_mp3(noise(200.0), info=False)
    times_s = []
    for excerpt in (Excerpt(0, 1), Excerpt(195, 1), Excerpt()):
        began = time.process_time()
        decode(data, excerpt=excerpt)
        times_s.append(time.process_time() - began)
    assert times_s[1] < times_s[2] / 4


def test_an_excerpt_that_ends_behind_the_end_is_what_there_is() -> None:
    clip = decode(encode(tone()), excerpt=Excerpt(1.5, 60.0))
    assert (clip.duration_s, without_order(clip.warnings)) == (0.5, {"short"})


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
    with pytest.raises(UnusableAudio, match=r"duration_s is 0\.05; .*Let it be more"):
        decode(data, limits=limits, excerpt=Excerpt(1.5, 0.05))
    with pytest.raises(UnusableAudio, match=r"From start_s on, 2\.95 s.*Let start_s be less"):
        decode(data, limits=limits, excerpt=Excerpt(2.95))


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
