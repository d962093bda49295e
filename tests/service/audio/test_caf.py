from service.audio.caf import stated_bytes
from tests.audio import encode, tone

FILE = encode(tone(), container="CAF")
LENGTH_AT = FILE.index(b"data") + 4


def test_it_is_as_long_as_its_samples_are_stated_to_be() -> None:
    assert stated_bytes(FILE) == len(FILE)
    assert stated_bytes(FILE[:-1000]) == len(FILE)
    assert stated_bytes(FILE + b"info" + bytes(20)) == len(FILE)


def test_of_samples_that_were_streamed_or_are_not_there_it_tells_no_length() -> None:
    assert stated_bytes(FILE[:LENGTH_AT] + b"\xff" * 8 + FILE[LENGTH_AT + 8 :]) == 0
    assert stated_bytes(FILE[: LENGTH_AT - 4]) == 0
    assert stated_bytes(b"caff") == 0
    assert stated_bytes(b"caff" + bytes(100_000)) == 0
