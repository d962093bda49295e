import numpy as np
import pytest

from service.audio import mpeg
from service.audio.mpeg import find_frame, frame_bytes, walk
from tests.audio import Muxing, encode, mux, noise, stereo, tone, varying_mp3
from tests.service.audio.test_tags import id3v2

SOUND = np.concatenate([0 * tone(duration_s=0.5), noise(1.5)])
FILE = varying_mp3(SOUND)
PIPED = FILE[frame_bytes(FILE, 0) :]
FRAME_S = 1152 / 44_100


def cut_at_frames(data: bytes) -> list[bytes]:
    frames, at = [], 0
    while length := frame_bytes(data, at):
        frames.append(data[at : at + length])
        at += length
    return frames


FRAMES = cut_at_frames(PIPED)


def test_the_frames_are_counted_and_what_the_encoder_states_is_told() -> None:
    (part,) = walk(FILE).parts
    assert part.n_frames == part.stated_frames == len(FRAMES)
    assert part.info_at == 0
    assert part.duration_s == pytest.approx(2.0, abs=2.5 * FRAME_S)
    (piped,) = walk(PIPED).parts
    assert (piped.n_frames, piped.stated_frames, piped.info_at) == (len(FRAMES), 0, None)
    assert piped.spans == [(0, len(PIPED))]


@pytest.mark.parametrize("rate_hz", [8_000, 11_025, 16_000, 22_050, 24_000, 32_000, 48_000])
@pytest.mark.parametrize("channels", [1, 2])
def test_every_rate_is_walked_to_its_end(rate_hz: int, channels: int) -> None:
    sound = noise(1.0, rate_hz=rate_hz)
    data = encode(stereo(sound, sound) if channels == 2 else sound, rate_hz, container="MP3")
    (part,) = walk(data).parts
    assert (part.kind.rate_hz, part.kind.mono) == (rate_hz, channels == 1)
    assert part.n_frames == part.stated_frames
    assert part.spans[-1][1] == len(data)


def test_the_forerunner_of_mp3_is_walked_and_told_apart() -> None:
    data = mux(noise(1.0), Muxing("mp2", "mp2"))
    (part,) = walk(data).parts
    assert part.spans == [(0, len(data))]
    assert part.duration_s == pytest.approx(1.0, abs=2 * FRAME_S)
    assert mpeg.is_forerunner(data, 0)
    assert not mpeg.is_forerunner(PIPED, 0)


@pytest.mark.parametrize("front", [b"\0", bytes(2_000), b"\x17" * 900, id3v2(100)])
def test_what_lies_in_front_is_not_lost_sound(front: bytes) -> None:
    stream = walk(front + PIPED)
    assert stream.lost_bytes == 0
    assert stream.parts[0].spans == [(len(front), len(front) + len(PIPED))]


def test_a_stream_from_the_middle_begins_with_its_first_whole_frame() -> None:
    begin = len(FRAMES[0]) // 2
    (part,) = walk(PIPED[begin:]).parts
    assert part.n_frames == len(FRAMES) - 1


def test_joined_files_are_one_stream_without_the_frames_that_state_lengths() -> None:
    stream = walk(FILE + b"TAG" + bytes(125) + id3v2(200) + FILE)
    (part,) = stream.parts
    assert part.n_frames == 2 * len(FRAMES)
    assert stream.lost_bytes == 0


def test_files_of_another_kind_are_parts_of_their_own() -> None:
    mono = encode(noise(1.0, rate_hz=22_050), 22_050, container="MP3")
    kinds = [part.kind.rate_hz for part in walk(PIPED + mono + PIPED).parts]
    assert kinds == [44_100, 22_050, 44_100]


@pytest.mark.parametrize("hole", [b"\0", b"\x55"])
def test_a_hole_is_lost_and_the_rest_is_found(hole: bytes) -> None:
    whole = b"".join(FRAMES)
    begin = sum(map(len, FRAMES[:40]))
    data = whole[:begin] + hole * 1_000 + whole[begin + 1_000 :]

    stream = walk(data)

    lost = len(FRAMES) - stream.parts[0].n_frames
    assert 1 <= lost < 12
    assert len(stream.parts) == 1
    assert 1_000 <= stream.lost_bytes < 2_000
    assert 0.5 * lost * FRAME_S < stream.lost_s < 2 * lost * FRAME_S


def test_zeros_and_part_of_a_frame_at_the_end_are_not_lost_sound() -> None:
    stream = walk(b"".join(FRAMES[:-1]) + FRAMES[-1][:-10])
    assert (stream.parts[0].n_frames, stream.lost_bytes) == (len(FRAMES) - 1, 0)
    padded = walk(PIPED + bytes(3_000))
    assert (padded.parts[0].n_frames, padded.lost_bytes) == (len(FRAMES), 0)


def test_no_frames_are_found_in_noise_however_much_it_resembles_them() -> None:
    random = np.random.default_rng(0)
    assert find_frame(random.bytes(300_000)) is None
    assert find_frame(b"\xff\xfb\x90\x00" * 50_000) is None
    assert walk(b"").parts == []
