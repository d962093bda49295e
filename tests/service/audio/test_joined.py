import pytest

from service.audio.joined import pieces_of
from tests.audio import MUXINGS, encode, mux, noise

SOUND = noise(0.5)
MADE = {
    **{
        name.lower(): encode(SOUND, container=name) for name in ("WAV", "AIFF", "FLAC", "AU", "W64")
    },
    "caf": encode(SOUND, container="CAF"),
    **{MUXINGS[n][0]: mux(SOUND, MUXINGS[n][1]) for n in ("m4a", "wma", "tta")},
}


@pytest.mark.parametrize("name", MADE)
def test_files_that_were_joined_are_taken_apart(name: str) -> None:
    data = MADE[name]
    n = len(data)
    assert pieces_of(data, name) == [(0, n)]
    assert pieces_of(3 * data, name) == [(0, n), (n, 2 * n), (2 * n, 3 * n)]


def test_what_stands_before_the_beginning_of_the_first_belongs_to_it() -> None:
    free = b"\0\0\0\x10free" + bytes(8)
    data = MADE["mp4"]
    assert pieces_of(free + data, "mp4") == [(0, len(free + data))]
    assert len(pieces_of(free + data + data, "mp4")) == 2


def test_streams_that_are_made_to_be_joined_stay_one() -> None:
    data = encode(SOUND, container="MP3")
    assert pieces_of(data + data, "mp3") == [(0, 2 * len(data))]


def test_a_name_of_four_letters_within_the_sound_is_no_beginning() -> None:
    data = MADE["wav"]
    inside = data[:1_000] + b"RIFF\0\0\0\0WAVEplay" + data[1_000:]
    assert pieces_of(inside, "wav") == [(0, len(inside))]
