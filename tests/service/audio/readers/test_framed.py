from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from service.audio import adts, amr
from service.audio.ac3 import AC3
from service.audio.frames import walk
from service.audio.readers.ffmpeg import FFmpegSource
from service.audio.readers.framed import FramedSource
from service.audio.readers.source import Source, Unreadable
from tests.audio import MUXINGS, Muxing, Waveform, mux, noise
from tests.service.audio.readers.test_ffmpeg import rising

KINDS = {
    "aac": ("aac", adts.ADTS, b""),
    "ac3": ("ac3", AC3, b""),
    "eac3": ("eac3", AC3, b""),
    "amr": ("amr", amr.NARROW, amr.MARK),
}


def opened(name: str, data: bytes) -> FramedSource:
    demuxer, framing, mark = KINDS[name]
    frames = walk(data, len(mark), len(data), framing)
    return FramedSource(data, frames, partial(FFmpegSource, name=name, demuxer=demuxer), mark)


def heard(source: Source) -> Waveform:
    return np.concatenate(list(source.blocks()))[:, 0]


def made(name: str, duration_s: float) -> bytes:
    muxing = MUXINGS[name][1]
    return mux(rising(duration_s, muxing.rate_hz), muxing)


@pytest.mark.parametrize("name", KINDS)
def test_what_follows_a_place_is_what_follows_it_when_all_is_read(name: str) -> None:
    data, rate_hz = made(name, 6.0), MUXINGS[name][1].rate_hz
    whole = heard(opened(name, data))
    source, aim = opened(name, data), 4 * rate_hz + 123

    at = source.seek(aim)
    rest = heard(source)

    assert aim - rate_hz < at <= aim
    assert len(rest) == len(whole) - at
    part, same = rest[aim - at :], whole[aim:]
    if name == "amr":  # what a decoder of speech has heard before stays with it for a while
        assert np.corrcoef(part, same)[0, 1] > 0.9
    else:
        assert np.abs(part - same).max() < 0.02


def test_a_place_is_found_in_a_stream_whose_headers_announce_half_of_its_rate() -> None:
    data = made("aac", 3.0)
    frames = walk(data, 0, len(data), adts.ADTS)
    # As HE-AAC does, whose encoders are not at hand.
    halves = [n // 2 for n in frames.n_before]
    announced = replace(frames, rate_hz=22_050, n_before=halves, n_samples=frames.n_samples // 2)
    opened_by = partial(FFmpegSource, name="aac", demuxer="aac")
    places = [FramedSource(data, f, opened_by).seek(2 * 44_100) for f in (frames, announced)]
    assert 44_100 < places[0] == places[1] <= 2 * 44_100


def test_a_stream_whose_frames_tell_no_rate_is_read_from_its_beginning() -> None:
    data = mux(noise(2.0), Muxing("latm", "aac"))
    frames = walk(data, 0, len(data), adts.LOAS)
    source = FramedSource(data, frames, partial(FFmpegSource, name="aac", demuxer="loas"))
    assert source.seek(44_100) == 0
    assert len(heard(source)) == pytest.approx(2 * 44_100, abs=3_000)


def test_a_hole_is_told_and_makes_no_noise() -> None:
    data = made("aac", 4.0)
    middle = len(data) // 2
    holed = data[:middle] + b"\x55" * 2_000 + data[middle + 2_000 :]
    source = opened("aac", holed)
    samples = heard(source)
    assert source.damaged_s > 0.05
    assert len(samples) / 44_100 + source.damaged_s == pytest.approx(4.0, abs=0.3)
    assert np.abs(samples).max() < 0.7


def test_a_stream_without_frames_is_unreadable() -> None:
    with pytest.raises(Unreadable, match="no whole frame"):
        opened("aac", bytes(1_000))
