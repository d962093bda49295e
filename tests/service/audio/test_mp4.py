import pytest

from service.audio.mp4 import check_readable
from service.errors import UnsupportedAudio, UnusableAudio
from tests.audio import MUXINGS, Muxing, mux, noise

FILE = mux(noise(1.0), MUXINGS["m4a"][1])


def test_a_recording_is_readable() -> None:
    check_readable(FILE)


def test_one_that_was_never_ended_has_no_index() -> None:
    with pytest.raises(UnusableAudio, match=r"no index \(moov\).*use the whole file"):
        check_readable(FILE[: FILE.index(b"moov") - 4])


def test_a_segment_of_a_stream_lacks_the_beginning_of_the_stream() -> None:
    options = (("movflags", "frag_keyframe+empty_moov"),)
    stream = mux(noise(1.0), Muxing("mp4", "aac", container_options=options))
    check_readable(stream)
    with pytest.raises(UnusableAudio, match="initialization segment in front"):
        check_readable(stream[stream.index(b"moof") - 4 :])


@pytest.mark.parametrize("brand", [b"heic", b"avif"])
def test_a_picture_is_named(brand: bytes) -> None:
    with pytest.raises(UnsupportedAudio, match="picture"):
        check_readable(b"\0\0\0\x18ftyp" + brand + bytes(200))


def test_what_is_encrypted_is_told_as_such() -> None:
    with pytest.raises(UnsupportedAudio, match=r"DRM.*without protection"):
        check_readable(FILE.replace(b"mp4a", b"drms", 1))
    with pytest.raises(UnsupportedAudio, match="Audible"):
        check_readable(b"\0\0\0\x18ftypaax " + bytes(200))
