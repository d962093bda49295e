import re
import shutil
import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest

from service.audio.decode import decode
from service.errors import UnusableAudio
from tests.audio import (
    ENCODINGS,
    MUXINGS,
    RATE_HZ,
    Muxing,
    encode,
    encode_as,
    mux,
    noise,
    stereo,
    tone,
)
from tests.service.audio.heard import flac_stating, loudest_hz, without_order
from tests.service.audio.test_tags import ID3V1, apev2, id3v2


@pytest.mark.parametrize("name", ["wav", "aiff", "mp3"])
def test_a_file_cut_off_in_the_middle_is_decoded_with_a_warning(name: str) -> None:
    data = encode_as(name, tone(duration_s=4.0))

    clip = decode(data[: len(data) // 2])

    assert 1.5 < clip.duration_s < 2.1
    assert [warning.split(":")[0] for warning in clip.warnings] == ["truncated"]


@pytest.mark.parametrize(
    "data",
    [
        encode(tone(duration_s=3.0), container="CAF"),
        mux(tone(duration_s=3.0), Muxing("wav", "mp2")),
        mux(tone(duration_s=3.0), Muxing("caf", "adpcm_ima_qt")),
    ],
    ids=["CAF", "MP2 in WAV", "CAF by FFmpeg"],
)
def test_a_rarer_file_that_is_cut_off_is_decoded_with_a_warning(data: bytes) -> None:
    assert decode(data).warnings == ()
    (warning,) = decode(data[: len(data) // 2]).warnings
    assert warning.startswith("truncated:")


def test_of_a_wma_that_is_cut_off_as_much_is_missing_as_its_header_says() -> None:
    data = mux(tone(duration_s=4.0), MUXINGS["wma"][1])
    clip = decode(data[: len(data) // 2])
    truncated = clip.warnings[0]
    assert truncated.startswith("truncated: the last ")
    assert " of the 4.0 s that its header states" in truncated
    assert decode(data).warnings == ()


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


@pytest.mark.parametrize(("n_bytes", "least_s"), [(3_000, 3.5), (100_000, 2.5)])
def test_flac_in_ogg_is_heard_behind_a_hole(n_bytes: int, least_s: float) -> None:
    sound = noise(4.0)
    data = mux(stereo(sound, sound[::-1]), MUXINGS["oga"][1])
    begin, end = len(data) // 3, len(data) // 3 + n_bytes
    clip = decode(data[:begin] + bytes(n_bytes) + data[end:])
    assert least_s < clip.duration_s < 4.0  # a page has 0.4 s
    (warning,) = clip.warnings
    assert warning.startswith("damaged: about ")
    assert float(warning.split()[2]) == pytest.approx(4.0 - clip.duration_s, abs=0.01)


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
