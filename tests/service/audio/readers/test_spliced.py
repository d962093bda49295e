import io
import tracemalloc
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest

from service.audio.formats import FORMATS
from service.audio.readers.opening import openings_of
from service.audio.readers.spliced import READ_BYTES, Spliced
from tests.audio import encode_as, noise, varying_mp3
from tests.service.audio.test_tags import id3v2

WHOLE = np.random.default_rng(0).bytes(3 * READ_BYTES)
CUTS = (0, 1, 1, 10, READ_BYTES, 2 * READ_BYTES + 5, len(WHOLE))


def spliced() -> Spliced:
    parts = [memoryview(WHOLE)[a:b] for a, b in pairwise(CUTS)]
    return Spliced([bytes(parts[0]), *parts[1:]])


def test_parts_are_read_as_one_file() -> None:
    assert spliced().read() == WHOLE
    assert Spliced([]).read() == b""


@pytest.mark.parametrize("at", [0, 1, 9, 10, READ_BYTES - 1, len(WHOLE) - 1, len(WHOLE) + 3])
@pytest.mark.parametrize("whence", [io.SEEK_SET, io.SEEK_CUR, io.SEEK_END])
def test_any_place_is_found_from_anywhere(at: int, whence: int) -> None:
    file = spliced()
    file.read(20)
    origin = {io.SEEK_SET: 0, io.SEEK_CUR: 20, io.SEEK_END: len(WHOLE)}[whence]

    assert file.seek(at - origin, whence) == at

    assert file.tell() == at
    assert file.read(3 + READ_BYTES) == WHOLE[at : at + 3 + READ_BYTES]


def test_a_header_that_leads_to_before_the_file_raises_nothing_unseen() -> None:
    file = spliced()
    assert file.seek(5) == 5
    assert file.seek(-1) == 5
    assert file.seek(-len(WHOLE) - 1, io.SEEK_END) == 5
    assert file.read(3) == WHOLE[5:8]


@pytest.mark.parametrize(
    "made",
    [
        pytest.param(
            lambda: id3v2(300) + 8 * varying_mp3(noise(20.0), info=False), id="MP3 with a tag"
        ),
        pytest.param(lambda: encode_as("flac", noise(30.0)), id="FLAC"),
    ],
)
def test_an_upload_is_not_copied_to_be_read(made: Callable[[], bytes]) -> None:
    data = made()
    tracemalloc.start()
    _, (opening, *_) = openings_of(data, FORMATS)
    source = opening()
    block = next(source.blocks())
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    source.close()

    assert peak_bytes < block.nbytes + len(data) / 2
