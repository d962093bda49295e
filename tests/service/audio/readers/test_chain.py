from functools import partial

import numpy as np
import pytest

from service.audio.readers.chain import ChainSource, Piece
from service.audio.readers.sndfile import SndFileSource
from service.audio.readers.source import Source, Unreadable
from tests.audio import RATE_HZ, Waveform, encode, stereo, tone

FIRST = tone(440, 1.0)


def piece(samples: Waveform, rate_hz: int = RATE_HZ) -> Piece:
    data = encode(samples, rate_hz, subtype="FLOAT")
    return Piece(partial(SndFileSource, data, "wav"), len(data))


def heard(source: Source) -> Waveform:
    return np.concatenate(list(source.blocks()))


def test_the_samples_of_all_follow_each_other() -> None:
    chain = ChainSource([piece(FIRST), piece(2 * FIRST)])
    np.testing.assert_array_equal(heard(chain)[:, 0], np.concatenate([FIRST, 2 * FIRST]))


@pytest.mark.parametrize("frame", [0, 10, RATE_HZ, RATE_HZ + 10, 3 * RATE_HZ - 10])
def test_a_place_is_found_without_reading_what_lies_before_it(frame: int) -> None:
    parts = [FIRST, 2 * FIRST, 3 * FIRST]
    chain = ChainSource([piece(part) for part in parts])
    assert chain.seek(frame) == frame
    np.testing.assert_array_equal(heard(chain)[:, 0], np.concatenate(parts)[frame:])


def test_a_place_behind_the_end_is_the_end() -> None:
    chain = ChainSource([piece(FIRST), piece(FIRST)])
    assert chain.seek(10 * RATE_HZ) == 2 * RATE_HZ
    assert list(chain.blocks()) == []


def test_a_place_behind_another_rate_is_looked_for_from_there_on() -> None:
    other = tone(440, 1.0, rate_hz=22_050)
    chain = ChainSource([piece(FIRST), piece(other, 22_050), piece(FIRST)])
    assert chain.seek(2 * RATE_HZ + 10) == RATE_HZ
    assert len(heard(chain)) == pytest.approx(2 * RATE_HZ, abs=10)


def test_another_rate_and_other_channels_come_in_the_form_of_the_first() -> None:
    other = tone(440, 1.0, rate_hz=22_050)
    chain = ChainSource([piece(FIRST), piece(stereo(other, other), 22_050)])
    samples = heard(chain)
    assert samples.shape == (2 * len(FIRST), 1)
    inner = slice(RATE_HZ + 2_000, 2 * RATE_HZ - 2_000)
    np.testing.assert_allclose(samples[inner, 0], np.tile(FIRST, 2)[inner], atol=1e-3)


def test_what_is_lost_adds_up_and_one_that_is_cut_off_tells() -> None:
    def broken() -> Source:
        source = SndFileSource(encode(FIRST), "wav", cut_off=True)
        source.damaged_s = 0.25
        return source

    chain = ChainSource([piece(FIRST), Piece(broken, 9), Piece(broken, 9)], damaged_s=1.0)
    assert len(heard(chain)) == 3 * len(FIRST)
    assert (chain.damaged_s, chain.cut_off) == (1.5, True)


def unreadable(n_bytes: int) -> Piece:
    def refuse() -> Source:
        raise Unreadable("nothing")

    return Piece(refuse, n_bytes)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_one_that_cannot_be_opened_is_left_out_and_counts_as_damage(place: int) -> None:
    pieces = [piece(FIRST), piece(2 * FIRST)]
    pieces.insert(place, unreadable(pieces[0].n_bytes // 2))
    chain = ChainSource(pieces)
    assert len(heard(chain)) == 2 * len(FIRST)
    assert chain.damaged_s == pytest.approx(0.5, rel=1e-3)


def test_one_before_the_excerpt_is_no_damage_to_it() -> None:
    chain = ChainSource([piece(FIRST), unreadable(1_000), piece(FIRST)])
    assert chain.seek(RATE_HZ + 10) == RATE_HZ + 10
    assert len(heard(chain)) == len(FIRST) - 10
    assert chain.damaged_s == 0


def test_nothing_that_can_be_opened_is_no_recording() -> None:
    with pytest.raises(Unreadable, match="nothing"):
        ChainSource([unreadable(9)])
