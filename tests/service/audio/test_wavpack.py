import pytest

from service.audio.decode import decode
from service.audio.tags import before_tags
from service.audio.wavpack import MARK, without_holes
from tests.audio import MUXINGS, mux, noise

FILE = mux(noise(4.0), MUXINGS["wavpack"][1])
FILE = FILE[: before_tags(FILE)]
BLOCKS = [MARK + rest for rest in FILE.split(MARK)[1:]]


def test_nothing_but_blocks_is_left_and_none_that_is_cut_off() -> None:
    first, second, *others = BLOCKS
    rest = b"".join(others)
    assert without_holes(FILE) == FILE
    assert without_holes(first + second[:100] + rest) == first + rest
    assert without_holes(b"junk" + first + second) == first + second
    assert without_holes(first + second[:-10]) == first + second[:-10]
    assert without_holes(b"no block") == b""


def test_a_file_is_heard_behind_a_hole_with_a_warning_that_tells_how_much_is_missing() -> None:
    begin = len(BLOCKS[0] + BLOCKS[1]) - 500
    clip = decode(FILE[:begin] + bytes(1_000) + FILE[begin + 1_000 :])
    (warning,) = clip.warnings
    assert 1.9 < clip.duration_s < 4.0
    assert warning.startswith("damaged: about ")
    assert float(warning.split()[2]) == pytest.approx(4.0 - clip.duration_s, abs=0.01)
