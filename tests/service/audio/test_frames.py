import numpy as np
import pytest

from service.audio.ac3 import AC3, is_enhanced
from service.audio.adts import ADTS, LOAS
from service.audio.amr import MARK, NARROW
from service.audio.frames import Framing, find_frame, walk
from tests.audio import MUXINGS, Muxing, mux, noise
from tests.service.audio.test_tags import id3v2

MAKINGS = {
    "aac": (MUXINGS["aac"][1], ADTS),
    "latm": (Muxing("latm", "aac"), LOAS),
    "ac3": (MUXINGS["ac3"][1], AC3),
    "ac3 at 48 kHz": (Muxing("ac3", "ac3", 48_000), AC3),
    "eac3": (MUXINGS["eac3"][1], AC3),
}


def made(name: str, duration_s: float = 2.0) -> tuple[bytes, Framing]:
    muxing, framing = MAKINGS[name]
    return mux(noise(duration_s, rate_hz=muxing.rate_hz), muxing), framing


@pytest.mark.parametrize("name", MAKINGS)
def test_all_frames_of_a_stream_are_found(name: str) -> None:
    data, framing = made(name)
    frames = walk(data, 0, len(data), framing)
    assert (frames.starts[0], frames.ends[-1]) == (0, len(data))
    assert frames.starts[1:] == frames.ends[:-1]
    assert frames.joined(data) is data
    assert frames.lost_bytes == 0
    if framing is not LOAS:
        assert frames.rate_hz == MAKINGS[name][0].rate_hz
        assert frames.n_samples / frames.rate_hz == pytest.approx(2.0, abs=0.1)


def test_frames_of_speech_are_counted_by_their_modes() -> None:
    data = mux(noise(2.0, rate_hz=8_000), MUXINGS["amr"][1])
    frames = walk(data, len(MARK), len(data), NARROW)
    assert frames.ends[-1] == len(data)
    assert frames.n_samples / 8_000 == pytest.approx(2.0, abs=0.05)
    assert frames.n_before[1] == 160


@pytest.mark.parametrize("name", MAKINGS)
@pytest.mark.parametrize("front", [b"", b"\0", b"\x17" * 500, id3v2(300)])
def test_the_first_whole_frame_is_found_behind_what_is_none(name: str, front: bytes) -> None:
    data, framing = made(name)
    assert find_frame(front + data, 0, len(front + data), framing) == len(front)
    middle = front + data[100:]
    begin = find_frame(middle, 0, len(middle), framing)
    assert begin == len(front) + walk(data, 0, len(data), framing).starts[1] - 100


@pytest.mark.parametrize("name", ["aac", "ac3", "eac3"])
def test_a_hole_is_lost_and_the_rest_is_found(name: str) -> None:
    data, framing = made(name)
    middle = len(data) // 2
    holed = data[:middle] + b"\x55" * 2_000 + data[middle + 2_000 :]
    frames = walk(holed, 0, len(holed), framing)
    n_lost = len(walk(data, 0, len(data), framing).starts) - len(frames.starts)
    assert 1 <= n_lost < 12
    assert 2_000 <= frames.lost_bytes < 6_000
    assert frames.lost_s == pytest.approx(n_lost * frames.n_before[1] / frames.rate_hz, rel=0.8)
    assert len(frames.joined(holed)) == len(data) - frames.lost_bytes


def test_a_frame_that_is_there_in_part_is_left_out() -> None:
    data, framing = made("aac")
    whole = walk(data, 0, len(data), framing)
    cut = walk(data[:-10], 0, len(data) - 10, framing)
    assert len(cut.starts) == len(whole.starts) - 1
    assert cut.lost_bytes == 0


def test_frames_can_be_had_from_one_on() -> None:
    data, framing = made("aac")
    frames = walk(data, 0, len(data), framing)
    assert frames.joined(data, 5) == data[frames.starts[5] :]


@pytest.mark.parametrize("framing", [ADTS, LOAS, AC3])
def test_no_frame_is_found_in_noise(framing: Framing) -> None:
    data = np.random.default_rng(0).bytes(300_000)
    assert find_frame(data, 0, len(data), framing) is None
    assert find_frame(b"", 0, 0, framing) is None


def test_the_two_kinds_of_ac3_are_told_apart() -> None:
    assert not is_enhanced(made("ac3")[0])
    assert is_enhanced(made("eac3")[0])
