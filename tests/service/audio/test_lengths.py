import numpy as np
import pytest

from service.audio.lengths import is_cut_off, is_one_file, with_length
from tests.audio import encode, tone


def test_an_au_file_that_was_streamed_states_no_length() -> None:
    data = encode(tone(), container="AU")
    streamed = data[:8] + b"\xff" * 4 + data[12:]
    assert not is_cut_off(streamed[: len(data) // 2])


def test_an_au_file_whose_length_was_never_written_has_an_unknown_one() -> None:
    data = encode(tone(), container="AU")
    assert with_length(data) is data
    assert with_length(data[:8] + bytes(4) + data[12:]) == data[:8] + b"\xff" * 4 + data[12:]


@pytest.mark.parametrize("container", ["WAV", "RF64", "AIFF", "AU", "W64"])
def test_a_file_that_states_all_its_bytes_is_one(container: str) -> None:
    data = encode(tone(), container=container)
    assert is_one_file(data)
    assert not is_one_file(data + data)
    assert not is_one_file(data[:4] + bytes(20) + data[24:])


@pytest.mark.parametrize("container", ["WAV", "RF64", "AIFF", "AU", "CAF", "W64"])
def test_a_file_is_cut_off_when_bytes_are_missing(container: str) -> None:
    data = encode(tone(), container=container)
    assert not is_cut_off(data)
    assert is_cut_off(data[: len(data) // 2])
    assert not is_cut_off(np.random.default_rng(0).bytes(100))
