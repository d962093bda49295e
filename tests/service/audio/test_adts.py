import numpy as np
import pytest

from service.audio.adts import find_frame
from tests.audio import MUXINGS, mux, tone

STREAM = mux(tone(), MUXINGS["aac"][1])


@pytest.mark.parametrize("front", [b"", b"\0", b"\xff\xf1\x50" * 100, STREAM[3:200]])
def test_the_first_whole_frame_is_found(front: bytes) -> None:
    at = find_frame(front + STREAM, 0, len(front + STREAM))
    assert at is not None
    assert at <= len(front)
    assert (front + STREAM)[at : at + 4] == STREAM[:4]


def test_no_frame_is_found_in_noise() -> None:
    data = np.random.default_rng(0).bytes(300_000)
    assert find_frame(data, 0, len(data)) is None
