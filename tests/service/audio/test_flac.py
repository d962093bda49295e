import numpy as np
import pytest

from service.audio.flac import stated_s, with_unknown_length
from service.audio.readers.sndfile import SndFileSource
from tests.audio import encode_as, tone

FILE = encode_as("flac", tone(duration_s=1.5))


def test_a_file_states_its_length() -> None:
    assert stated_s(FILE) == pytest.approx(1.5)
    assert stated_s(FILE[:10]) == 0


def test_without_a_length_all_else_stays() -> None:
    endless = with_unknown_length(FILE)
    assert stated_s(b"".join(endless)) == 0
    whole, alike = (SndFileSource(data, "flac") for data in (FILE, endless))
    assert alike.sample_rate_hz == whole.sample_rate_hz
    assert (whole.stated_s, alike.stated_s) == (1.5, 0)
    np.testing.assert_array_equal(next(alike.blocks()), next(whole.blocks()))
