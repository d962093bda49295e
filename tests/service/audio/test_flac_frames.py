import io

import numpy as np
import pytest
import soundfile

from service.audio.flac_frames import find_frame, with_header
from service.audio.readers.sndfile import SndFileSource
from tests.audio import RATE_HZ, encode, noise, stereo

SOUND = noise(3.0, amplitude=0.3)
FILE = encode(SOUND, container="FLAC", subtype="PCM_16")


def frame_places(data: bytes) -> list[int]:
    places, at = [], find_frame(data, 0, len(data))
    while at is not None:
        places.append(at)
        at = find_frame(data, at + 1, len(data))
    return places


def heard(data: bytes) -> np.ndarray:
    return np.concatenate(list(SndFileSource(data, "flac").blocks()))


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("subtype", ["PCM_S8", "PCM_16", "PCM_24"])
@pytest.mark.parametrize("rate_hz", [RATE_HZ, 12_345, 96_000])
def test_frames_are_decoded_without_the_beginning_of_their_file(
    channels: int, subtype: str, rate_hz: int
) -> None:
    sound = stereo(SOUND, -SOUND) if channels == 2 else SOUND
    data = encode(sound, rate_hz, container="FLAC", subtype=subtype)
    at = find_frame(data, 0, len(data))
    assert at is not None

    mended = with_header(data, at)

    assert soundfile.SoundFile(io.BytesIO(mended)).samplerate == rate_hz
    np.testing.assert_array_equal(heard(mended), heard(data))


def test_the_first_whole_frame_behind_junk_is_found() -> None:
    first, second, *_ = frame_places(FILE)
    middle = FILE[first + 100 :]
    assert find_frame(middle, 0, len(middle)) == second - first - 100
    rest = with_header(middle, second - first - 100)
    np.testing.assert_array_equal(heard(rest), heard(FILE)[-len(heard(rest)) :])
    assert len(heard(rest)) > 2.5 * RATE_HZ


def test_a_frame_that_no_other_follows_is_an_accident() -> None:
    first, second, *_ = frame_places(FILE)
    assert find_frame(FILE[first:second], 0, second - first) is None
    assert find_frame(FILE[first : first + 5], 0, 5) is None


def test_no_frame_is_found_in_noise() -> None:
    data = np.random.default_rng(0).bytes(300_000)
    assert find_frame(data, 0, len(data)) is None
    with pytest.raises(ValueError, match="no frame"):
        with_header(data, 0)
