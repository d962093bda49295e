import pytest

from service.audio.ogg import links_of, without_holes
from tests.audio import Muxing, encode_as, mux, noise

VORBIS = encode_as("ogg", noise(3.0))
OPUS = encode_as("opus", noise(3.0, rate_hz=48_000))


def pages(data: bytes) -> list[bytes]:
    return [b"OggS" + rest for rest in data.split(b"OggS")[1:]]


def test_a_file_is_one_link_with_its_codec() -> None:
    for data, codec in ((VORBIS, "vorbis"), (OPUS, "opus")):
        (link,) = links_of(data)
        assert (link.begin, link.end, link.codec) == (0, len(data), codec)
        assert not link.cut_off
    assert links_of(mux(noise(1.0), Muxing("ogg", "flac")))[0].codec == "flac"


def test_a_chain_is_taken_apart_where_headers_follow_sound() -> None:
    links = links_of(VORBIS + OPUS + VORBIS)
    assert [link.codec for link in links] == ["vorbis", "opus", "vorbis"]
    assert [link.begin for link in links] == [0, len(VORBIS), len(VORBIS) + len(OPUS)]


def test_streams_side_by_side_are_one_link() -> None:
    (one,) = links_of(pages(VORBIS)[0] + pages(OPUS)[0] + b"".join(pages(VORBIS)[1:]))
    assert one.codecs == ["vorbis", "opus"]


def test_the_last_page_tells_how_many_samples_there_are() -> None:
    assert links_of(VORBIS)[0].n_samples == 3 * 44_100
    assert links_of(OPUS)[0].n_samples == pytest.approx(3 * 48_000, abs=1_000)


def test_a_broadcast_counts_from_where_it_was_tuned_in_to() -> None:
    data = bytearray(VORBIS)
    at = 0
    for page in pages(VORBIS):
        granule = int.from_bytes(page[6:14], "little")
        if granule:
            data[at + 6 : at + 14] = (granule + 10**9).to_bytes(8, "little")
        at += len(page)
    assert 1.5 * 44_100 < links_of(bytes(data))[0].n_samples < 3 * 44_100


def test_a_last_page_that_is_there_in_part_tells_that_the_file_is_cut_off() -> None:
    (link,) = links_of(VORBIS[:-100])
    assert link.cut_off
    assert link.end == len(VORBIS) - 100


def test_a_file_that_is_cut_off_where_the_next_one_begins_ends_there() -> None:
    first, second = links_of(VORBIS[:-100] + VORBIS)
    assert first.cut_off
    assert not second.cut_off
    assert (first.end, second.begin) == (len(VORBIS) - 100, len(VORBIS) - 100)


def test_a_stream_without_its_headers_is_no_link() -> None:
    assert links_of(b"".join(pages(VORBIS)[3:])) == []
    assert links_of(b"OggS") == []


def test_without_holes_nothing_but_pages_is_left_each_once() -> None:
    first, *others = pages(VORBIS)
    assert without_holes(VORBIS) == VORBIS
    assert without_holes(first + bytes(100_000) + b"".join(others)) == VORBIS
    assert without_holes(first[:-10] + b"".join(others)) == VORBIS[: len(first) - 10] + b"".join(
        others
    )


def test_of_a_file_of_nothing_but_pages_not_all_are_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("service.audio.ogg.MOST_PAGES", 10)
    assert without_holes(pages(VORBIS)[0] * 20) == pages(VORBIS)[0] * 10
