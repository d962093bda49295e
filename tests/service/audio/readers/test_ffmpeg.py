import io
import re
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest

from service.audio.readers import ffmpeg
from service.audio.readers.ffmpeg import FFmpegSource
from service.audio.readers.opening import DEMUXERS
from service.audio.readers.source import Unreadable
from service.errors import UnsupportedAudio
from tests.audio import MUXINGS, Muxing, Waveform, encode, encode_as, mux, noise, tone

ROOT = Path(__file__).parents[4]
# Decoders find a tone again however their encoder delayed it.
LOSSLESS = {"alac", "mov", "mkv", "wavpack", "tta", "oga"}
ALL = sorted(MUXINGS)


def demuxer_of(name: str) -> str:
    answer, _ = MUXINGS[name]
    return {"oga": "ogg", "mp2": "mp3", "eac3": "eac3"}.get(name, DEMUXERS.get(answer, ""))


def opened(name: str, samples: Waveform) -> FFmpegSource:
    answer, muxing = MUXINGS[name]
    return FFmpegSource(mux(samples, muxing), answer, demuxer_of(name))


def heard(source: FFmpegSource) -> Waveform:
    samples = np.concatenate(list(source.blocks()))
    source.close()
    return samples


def rising(duration_s: float, rate_hz: int) -> Waveform:
    """Return a tone that is at no time what it is at another."""
    time_s = np.arange(round(duration_s * rate_hz)) / rate_hz
    return (0.5 * np.sin(2 * np.pi * (200 + 200 * time_s) * time_s)).astype(np.float32)


@pytest.mark.parametrize("name", ALL)
def test_every_format_is_decoded_to_the_tone_that_was_encoded(name: str) -> None:
    rate_hz = MUXINGS[name][1].rate_hz
    source = opened(name, tone(440, 3.0, rate_hz=rate_hz))
    samples = heard(source)[:, 0]

    assert (source.sample_rate_hz, source.channels) == (rate_hz, 1)
    assert (source.cut_off, source.damaged_s) == (False, 0)
    assert len(samples) / rate_hz == pytest.approx(3.0, abs=0.1)
    assert not source.stated_s or source.stated_s == pytest.approx(3.0, abs=0.1)
    spectrum = np.abs(np.fft.rfft(samples))
    assert spectrum.argmax() * rate_hz / len(samples) == pytest.approx(440, abs=1)
    inner = samples[rate_hz // 10 : -rate_hz // 10]
    assert np.sqrt(2 * np.mean(inner**2)) == pytest.approx(0.5, rel=0.2)


@pytest.mark.parametrize("name", sorted(LOSSLESS))
@pytest.mark.parametrize("channels", [1, 2])
def test_what_is_stored_without_loss_comes_back_without_loss(name: str, channels: int) -> None:
    original = np.stack([noise(1.0, seed=seed) for seed in range(channels)], axis=1)
    samples = heard(opened(name, original))
    assert samples.dtype == np.float32
    # FFmpeg's lossless encoders get 8 bits at the least.
    np.testing.assert_allclose(samples, original, atol=2**-7)


def test_bytes_without_a_sign_are_centred() -> None:
    data = encode(tone(440, 1.0), subtype="PCM_U8")
    samples = heard(FFmpegSource(data, "wav", "wav"))
    np.testing.assert_allclose(samples[:, 0], tone(440, 1.0), atol=2**-6)


@pytest.mark.parametrize("name", ["m4a", "alac", "webm", "mkv", "wavpack", "tta", "wma"])
def test_what_follows_a_place_is_what_follows_it_when_all_is_read(name: str) -> None:
    rate_hz = MUXINGS[name][1].rate_hz
    sound = rising(6.0, rate_hz)
    whole = heard(opened(name, sound))
    source = opened(name, sound)
    aim = 4 * rate_hz

    at = source.seek(aim)
    rest = heard(source)

    assert 0 <= at <= aim
    assert at >= aim - rate_hz or name in {"webm", "mkv"}  # of one cluster, the unit of seeking
    # Matroska counts time in milliseconds.
    shifts = range(-rate_hz // 1_000, rate_hz // 1_000 + 1)
    part = rest[aim - at : aim - at + 4_000, 0]
    errors = [np.abs(part - whole[aim + s : aim + s + 4_000, 0]).max() for s in shifts]
    assert min(errors) < 0.02


def test_a_file_without_times_is_read_from_the_beginning() -> None:
    source = opened("mp2", noise(3.0))
    assert source.seek(100_000) == 0
    source.close()


def test_a_gap_in_a_recording_of_the_web_is_told() -> None:
    options = (("live", "1"), ("cluster_time_limit", "300"))
    muxing = Muxing("webm", "libopus", 48_000, container_options=options)
    data = mux(noise(6.0, rate_hz=48_000), muxing)
    clusters = [m.start() for m in re.finditer(b"\x1f\x43\xb6\x75", data)]
    assert len(clusters) > 8
    cut = data[: clusters[3]] + data[clusters[7] :]
    source = FFmpegSource(cut, "matroska", "matroska")
    length_s = len(heard(source)) / 48_000
    assert source.damaged_s > 0.5
    assert length_s + source.damaged_s == pytest.approx(6.0, abs=0.2)


def test_a_length_that_nobody_wrote_is_not_believed() -> None:
    live = Muxing("matroska", "libmp3lame", container_options=(("live", "1"),))
    assert FFmpegSource(mux(noise(4.0), live), "matroska", "matroska").stated_s == 0
    whole = mux(noise(4.0), Muxing("matroska", "libmp3lame"))
    assert FFmpegSource(whole, "matroska", "matroska").stated_s == pytest.approx(4.0, abs=0.1)


def test_a_damaged_frame_of_flac_is_left_out_and_told() -> None:
    data = bytearray(encode_as("flac", noise(4.0)))
    data[len(data) // 2] ^= 1
    source = FFmpegSource(bytes(data), "flac", "flac")
    length_s = len(heard(source)) / source.sample_rate_hz
    assert 0.05 < source.damaged_s < 0.3
    assert length_s + source.damaged_s == pytest.approx(4.0, abs=1e-3)


def test_a_damaged_packet_is_left_out_and_told() -> None:
    muxing = MUXINGS["m4a"][1]
    data = bytearray(mux(noise(4.0), muxing))
    middle = len(data) // 2
    data[middle : middle + 2_000] = b"\xff" * 2_000
    source = FFmpegSource(bytes(data), "mp4", "mov")
    length_s = len(heard(source)) / source.sample_rate_hz
    assert 0.05 < source.damaged_s < 1.0
    assert length_s > 3.0


def test_a_stream_that_changes_on_its_way_keeps_the_form_of_its_beginning() -> None:
    first = mux(tone(440, 1.0), MUXINGS["aac"][1])
    second = mux(tone(440, 1.0, rate_hz=22_050), Muxing("adts", "aac", 22_050))
    source = FFmpegSource(first + second, "aac", "aac")
    samples = heard(source)
    assert (source.sample_rate_hz, samples.shape[1]) == (44_100, 1)
    assert len(samples) / 44_100 == pytest.approx(2.0, abs=0.15)


def test_nonsense_is_unreadable_with_a_reason() -> None:
    with pytest.raises(Unreadable, match="Invalid data"):
        FFmpegSource(b"nonsense" * 100, "mp4", "mov")


def test_a_video_without_sound_is_told_as_such() -> None:
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width = stream.height = 16
        stream.pix_fmt = "yuv420p"
        container.mux([*stream.encode(av.VideoFrame(16, 16, "yuv420p")), *stream.encode(None)])
    with pytest.raises(UnsupportedAudio, match="has no sound"):
        FFmpegSource(file.getvalue(), "mp4", "mov")


def test_a_codec_that_is_not_on_the_list_is_named_and_not_opened(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ffmpeg, "DECODERS", frozenset({"opus"}))
    with pytest.raises(UnsupportedAudio, match="holds aac sound, a codec"):
        opened("m4a", tone())


def test_an_upload_that_names_other_files_opens_none(tmp_path: Path) -> None:
    named = tmp_path / "secret.wav"
    named.write_bytes(encode(tone()))
    for text, demuxer in (
        (f"ffconcat version 1.0\nfile '{named}'\n", "concat"),
        (f"#EXTM3U\n#EXTINF:2,\nfile://{named}\n#EXT-X-ENDLIST\n", "hls"),
    ):
        with pytest.raises(Unreadable):
            FFmpegSource(text.encode(), "mp4", demuxer)
        # Its own demuxer is never chosen, so it is only nonsense of another kind.
        with pytest.raises(Unreadable):
            FFmpegSource(text.encode(), "mp4", "mov")


def test_only_demuxers_on_the_list_can_be_chosen() -> None:
    risky = {"concat", "hls", "dash", "image2", "sdp", "rtsp", "lavfi", "applehttp", "tty"}
    assert set(DEMUXERS.values()) & risky == set()
    assert {"mov", "matroska", "asf"} <= set(DEMUXERS.values())


def test_ffmpeg_is_loaded_for_no_file_that_libsndfile_reads() -> None:
    code = """
import sys
from service.audio.decode import decode
from service.audio.synthetic import synthetic_mp3
decode(synthetic_mp3())
assert "av" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)  # noqa: S603  # our own
