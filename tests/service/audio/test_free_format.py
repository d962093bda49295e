import numpy as np
import pytest

from service.audio import mpeg
from service.audio.free_format import find_frame
from tests.audio import Muxing, mux, noise


def without_bit_rates(data: bytes) -> bytes:
    """Return an MP3 of one bit rate whose headers do not tell it."""
    frames, at = bytearray(data), 0
    while length := mpeg.frame_bytes(data, at):
        frames[at + 2] &= 0x0F
        at += length
    return bytes(frames[:at])


MUXING = Muxing(
    "mp3", "libmp3lame", container_options=(("id3v2_version", "0"), ("write_xing", "0"))
)
STREAM = without_bit_rates(mux(noise(2.0), MUXING))


@pytest.mark.parametrize("front", [b"", b"\0", b"\x17" * 500, STREAM[100:300]])
def test_the_first_whole_frame_is_found(front: bytes) -> None:
    data = front + STREAM
    assert mpeg.find_frame(data) is None
    assert find_frame(data, 0, len(data)) == len(front)


def test_no_frame_is_found_in_noise_or_where_too_few_follow() -> None:
    data = np.random.default_rng(0).bytes(300_000)
    assert find_frame(data, 0, len(data)) is None
    assert find_frame(STREAM[:500], 0, 500) is None
