import pytest

from service.audio.tags import after_tags, before_tags

AUDIO = b"\xff\xfb\x90\xc4" + bytes(range(1, 200))


def id3v2(n_bytes: int, *, footer: bool = False, version: int = 4) -> bytes:
    size = bytes(n_bytes >> shift & 0x7F for shift in (21, 14, 7, 0))
    flags = b"\x10" if footer else b"\0"
    tail = b"3DI" + bytes([version, 0]) + flags + size if footer else b""
    return b"ID3" + bytes([version, 0]) + flags + size + b"\x01" * n_bytes + tail


def apev2(n_bytes: int = 40, *, header: bool = True) -> bytes:
    fields = (2000).to_bytes(4, "little") + (n_bytes + 32).to_bytes(4, "little") + bytes(4)
    ends = [b"APETAGEX" + fields + flags + bytes(8) for flags in (b"\0\0\0\xa0", b"\0\0\0\x80")]
    return (ends[0] if header else b"") + b"\x02" * n_bytes + ends[1]


ID3V1 = b"TAG" + bytes(125)
LYRICS3 = b"LYRICSBEGIN" + b"x" * 50 + b"000061LYRICS200"


@pytest.mark.parametrize(
    "front",
    [
        b"",
        b"\0" * 2_000,
        id3v2(300),
        id3v2(60_000),
        id3v2(300, footer=True),
        id3v2(300) + bytes(512),
        id3v2(300, version=3) + id3v2(200),
        apev2(),
        apev2() + id3v2(30),
    ],
    ids=["none", "zeros", "id3", "large", "footer", "padding", "two", "ape", "ape and id3"],
)
def test_the_audio_begins_behind_whatever_tags_there_are(front: bytes) -> None:
    assert after_tags(front + AUDIO) == len(front)


@pytest.mark.parametrize(
    "back",
    [
        b"",
        ID3V1,
        apev2(),
        apev2(header=False),
        apev2() + ID3V1,
        LYRICS3 + ID3V1,
    ],
    ids=["none", "id3v1", "ape", "ape without header", "ape and id3v1", "lyrics"],
)
def test_the_audio_ends_before_whatever_tags_there_are(back: bytes) -> None:
    assert before_tags(AUDIO + back) == len(AUDIO)


def test_a_tag_that_states_more_than_there_is_ends_with_its_header() -> None:
    assert after_tags(id3v2(1_000)[:100] + AUDIO) == len(id3v2(0))
    assert before_tags(b"x" + apev2(header=False)[-32:]) == 33


def test_a_length_that_no_tag_can_have_is_no_tag() -> None:
    assert after_tags(b"ID3\x04\0\0\xff\xff\xff\xff" + AUDIO) == 0
