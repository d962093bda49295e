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
    assert chain.seek(10) == 0
    np.testing.assert_array_equal(heard(chain)[:, 0], np.concatenate([FIRST, 2 * FIRST]))


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
