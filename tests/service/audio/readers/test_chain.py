from collections.abc import Callable
from functools import partial

import numpy as np
import pytest

from service.audio.readers.chain import ChainSource
from service.audio.readers.sndfile import SndFileSource
from service.audio.readers.source import Source, Unreadable
from tests.audio import RATE_HZ, Waveform, encode, stereo, tone

FIRST = tone(440, 1.0)


def opening(samples: Waveform, rate_hz: int = RATE_HZ) -> Callable[[], Source]:
    return partial(SndFileSource, encode(samples, rate_hz, subtype="FLOAT"), "wav")


def heard(source: Source) -> Waveform:
    return np.concatenate(list(source.blocks()))


def test_the_samples_of_all_follow_each_other() -> None:
    chain = ChainSource([opening(FIRST), opening(2 * FIRST)])
    np.testing.assert_array_equal(heard(chain)[:, 0], np.concatenate([FIRST, 2 * FIRST]))


@pytest.mark.parametrize("frame", [0, 10, RATE_HZ, RATE_HZ + 10, 3 * RATE_HZ - 10])
def test_a_place_is_found_without_reading_what_lies_before_it(frame: int) -> None:
    parts = [FIRST, 2 * FIRST, 3 * FIRST]
    chain = ChainSource([opening(part) for part in parts])
    assert chain.seek(frame) == frame
    np.testing.assert_array_equal(heard(chain)[:, 0], np.concatenate(parts)[frame:])


def test_a_place_behind_the_end_is_the_end() -> None:
    chain = ChainSource([opening(FIRST), opening(FIRST)])
    assert chain.seek(10 * RATE_HZ) == 2 * RATE_HZ
    assert list(chain.blocks()) == []


def test_a_place_behind_another_rate_is_looked_for_from_there_on() -> None:
    other = tone(440, 1.0, rate_hz=22_050)
    chain = ChainSource([opening(FIRST), opening(other, 22_050), opening(FIRST)])
    assert chain.seek(2 * RATE_HZ + 10) == RATE_HZ
    assert len(heard(chain)) == pytest.approx(2 * RATE_HZ, abs=10)


def test_another_rate_and_other_channels_come_in_the_form_of_the_first() -> None:
    other = tone(440, 1.0, rate_hz=22_050)
    chain = ChainSource([opening(FIRST), opening(stereo(other, other), 22_050)])
    samples = heard(chain)
    assert samples.shape == (2 * len(FIRST), 1)
    inner = slice(RATE_HZ + 2_000, 2 * RATE_HZ - 2_000)
    np.testing.assert_allclose(samples[inner, 0], np.tile(FIRST, 2)[inner], atol=1e-3)


def test_what_is_lost_adds_up_and_one_that_is_cut_off_tells() -> None:
    def broken() -> Source:
        source = SndFileSource(encode(FIRST), "wav", cut_off=True)
        source.damaged_s = 0.25
        return source

    chain = ChainSource([opening(FIRST), broken, broken], damaged_s=1.0)
    assert len(heard(chain)) == 3 * len(FIRST)
    assert (chain.damaged_s, chain.cut_off) == (1.5, True)


def test_one_that_cannot_be_opened_is_left_out() -> None:
    def unreadable() -> Source:
        raise Unreadable("nothing")

    chain = ChainSource([unreadable, opening(FIRST), unreadable, opening(FIRST)])
    assert len(heard(chain)) == 2 * len(FIRST)
    with pytest.raises(Unreadable, match="nothing"):
        ChainSource([unreadable])
