import numpy as np
import pytest

from service.audio.icy import without_titles

SOUND = np.random.default_rng(0).integers(1, 256, 60_000, dtype=np.uint8).tobytes()
TEXT = b"StreamTitle='A song';StreamUrl='';"


def with_titles(data: bytes, interval: int, every: int = 0) -> bytes:
    """Put titles into a stream: the first with a text, and then one of so many."""
    stretches = [data[at : at + interval] for at in range(0, len(data), interval)]
    text = b"\x03" + TEXT.ljust(48, b"\0")
    titles = [
        text if n == 0 or (every and n % every == 0) else b"\0" for n in range(len(stretches))
    ]
    last = titles[-1] if len(stretches[-1]) == interval else b""
    return b"".join(s + t for s, t in zip(stretches, [*titles[:-1], last], strict=True))


@pytest.mark.parametrize("interval", [8_192, 16_000, 1_024, 2_048, 5_000])
@pytest.mark.parametrize("every", [0, 1, 2, 3])
def test_titles_are_taken_out_whatever_lies_between_them(interval: int, every: int) -> None:
    assert without_titles(with_titles(SOUND, interval, every), 0) == SOUND


def test_a_stream_that_was_cut_keeps_its_part_of_the_first_stretch() -> None:
    stream = with_titles(SOUND, 4_096, 2)
    assert without_titles(stream[1_000:], 0) == SOUND[1_000:]
    later = stream[4_096 + 49 + 100 :]  # begins before a title without a text
    assert without_titles(later, 0) == SOUND[4_196:]


def test_a_stream_without_titles_has_none_to_take_out() -> None:
    assert without_titles(SOUND, 0) is None
    assert without_titles(SOUND[:100] + TEXT + SOUND[100:], 0) is None
