import io

import numpy as np
import pytest

from service.audio.readers import sndfile
from service.audio.readers.sndfile import SndFileSource
from service.audio.readers.source import Unreadable
from tests.audio import RATE_HZ, encode, encode_as, noise

SOUND = noise(2.0)


@pytest.mark.parametrize("name", ["wav", "flac", "mp3", "ogg"])
def test_what_follows_a_place_is_what_follows_it_when_all_is_read(name: str) -> None:
    data = encode_as(name, SOUND)
    whole = np.concatenate(list(SndFileSource(data, name).blocks()))
    source = SndFileSource(data, name)

    at = source.seek(50_000)

    assert at == 50_000
    np.testing.assert_allclose(next(source.blocks()), whole[at:], atol=1e-4)


def test_a_place_behind_the_end_is_the_end() -> None:
    source = SndFileSource(encode(SOUND), "wav")
    assert source.seek(10 * RATE_HZ) == len(SOUND)
    assert list(source.blocks()) == []


def test_a_file_read_without_its_length_is_sought_in_with_it() -> None:
    whole, endless = encode(SOUND), encode(SOUND[:1_000])
    source = SndFileSource(endless, "wav", seek_in=whole)
    assert source.seek(50_000) == 50_000


def test_what_cannot_be_opened_is_unreadable_with_the_reason() -> None:
    with pytest.raises(Unreadable, match="Format not recognised"):
        SndFileSource(b"nonsense" * 100, "wav")


def test_what_cannot_be_read_on_is_unreadable() -> None:
    data = bytearray(encode_as("flac", SOUND))
    data[len(data) // 2 :] = bytes(len(data) // 2)
    with pytest.raises(Unreadable):
        list(SndFileSource(bytes(data), "flac").blocks())


def test_a_header_that_leads_to_before_the_file_raises_nothing_unseen() -> None:
    data = sndfile._Bytes(b"0123")
    assert isinstance(data, io.BytesIO)
    assert data.seek(2) == 2
    assert data.seek(-1) == 2
    assert data.read() == b"23"
