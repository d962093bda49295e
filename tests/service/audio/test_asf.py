import pytest

from service.audio.asf import stated_s
from tests.audio import MUXINGS, mux, tone

FILE = mux(tone(duration_s=2.0), MUXINGS["wma"][1])
FLAGS_AT = 30 + 88  # behind the header, in its first object


def test_the_length_stands_in_the_header() -> None:
    assert stated_s(FILE) == pytest.approx(2.0, abs=0.1)


def test_of_a_broadcast_or_without_a_header_it_is_unknown() -> None:
    assert stated_s(FILE[:FLAGS_AT] + b"\x01" + FILE[FLAGS_AT + 1 :]) == 0
    assert stated_s(FILE[:FLAGS_AT]) == 0
    assert stated_s(FILE[:20]) == 0
