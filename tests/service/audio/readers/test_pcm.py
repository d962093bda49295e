import numpy as np
import pytest

from service.audio.decode import decode
from service.audio.excerpt import Excerpt
from service.audio.readers import pcm
from service.audio.readers.source import BLOCK_FRAMES
from service.audio.riff import PCM, Form, read_wav
from tests.audio import RATE_HZ, Waveform, encode, noise, stereo, tone

LEFT, RIGHT = noise(2.0), tone(330, 2.0)
SOUNDS = [LEFT, stereo(LEFT, RIGHT), np.repeat(LEFT[:, None], 8, axis=1)]


def source_of(data: bytes) -> pcm.PcmSource:
    wav = read_wav(data)
    assert wav.form is not None
    assert pcm.is_plain(wav.form)
    return pcm.PcmSource(data, wav.form, wav.data[0], cut_off=False)


@pytest.mark.parametrize("samples", SOUNDS)
@pytest.mark.parametrize("subtype", ["PCM_16", "FLOAT"])
@pytest.mark.parametrize("container", ["WAV", "WAVEX", "RF64"])
@pytest.mark.parametrize("excerpt", [Excerpt(), Excerpt(0.5, 0.7)])
def test_it_hears_the_very_samples_that_libsndfile_hears(
    samples: Waveform,
    subtype: str,
    container: str,
    excerpt: Excerpt,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = encode(samples, subtype=subtype, container=container)
    plain = decode(data, [16_000], excerpt=excerpt)
    monkeypatch.setattr(pcm, "is_plain", lambda _: False)
    decoded = decode(data, [16_000], excerpt=excerpt)

    np.testing.assert_array_equal(plain.waveforms.pop(16_000), decoded.waveforms.pop(16_000))
    assert plain == decoded


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_24", "PCM_32", "DOUBLE", "ULAW", "IMA_ADPCM"])
def test_what_is_not_plain_is_left_to_decoders(subtype: str) -> None:
    data = encode(LEFT, subtype=subtype)
    form = read_wav(data).form
    assert form is not None
    assert not pcm.is_plain(form)
    assert decode(data).duration_s == pytest.approx(2.0, abs=0.05)


def test_a_form_that_contradicts_itself_is_not_plain() -> None:
    assert pcm.is_plain(Form(PCM, 2, RATE_HZ, 4, 16))
    assert not pcm.is_plain(Form(PCM, 0, RATE_HZ, 0, 16))
    assert not pcm.is_plain(Form(PCM, 2, RATE_HZ, 2, 16))


def test_half_a_frame_at_the_end_is_left_out() -> None:
    data = encode(SOUNDS[1], subtype="PCM_16")
    source = source_of(data[:-3])
    assert sum(len(block) for block in source.blocks()) == len(LEFT) - 1
    assert source.stated_s == pytest.approx((len(LEFT) - 1) / RATE_HZ)


def test_it_seeks_to_the_very_sample_and_never_beyond_the_end() -> None:
    source = source_of(encode(LEFT, subtype="FLOAT"))
    assert source.seek(BLOCK_FRAMES) == BLOCK_FRAMES
    np.testing.assert_array_equal(next(source.blocks())[:, 0], LEFT[BLOCK_FRAMES:])
    assert source.seek(10**9) == len(LEFT)
    assert list(source.blocks()) == []


@pytest.mark.parametrize("samples", SOUNDS)
@pytest.mark.parametrize("subtype", ["PCM_16", "FLOAT"])
@pytest.mark.parametrize("container", ["WAV", "WAVEX"])
def test_a_file_that_ends_as_it_says_is_opened_at_once(
    samples: Waveform, subtype: str, container: str
) -> None:
    data = encode(samples, subtype=subtype, container=container)
    opening = pcm.open_plain(bytearray(data))
    assert opening is not None
    blocks = zip(opening().blocks(), source_of(data).blocks(), strict=True)
    assert all(np.array_equal(here, there) for here, there in blocks)


PLAIN = encode(SOUNDS[1], subtype="PCM_16")
SAMPLES = len(PLAIN) - len(LEFT) * 4


@pytest.mark.parametrize(
    "data",
    [
        b"",
        PLAIN[:40],
        PLAIN[:-2],
        PLAIN + b"\0\0",
        PLAIN[:40] + bytes(4) + PLAIN[44:],
        b"RIFX" + PLAIN[4:],
        PLAIN[:20] + b"\x02" + PLAIN[21:],
        encode(LEFT, subtype="PCM_24"),
        encode(LEFT, subtype="PCM_16", container="RF64"),
        encode(LEFT, subtype="PCM_16", container="AIFF"),
    ],
)
def test_any_other_file_is_left_to_who_can_mend_or_decode_it(data: bytes) -> None:
    assert pcm.open_plain(PLAIN) is not None
    assert pcm.open_plain(data) is None


def test_frames_of_mp3_that_are_said_to_be_samples_are_left_to_decoders() -> None:
    frames = encode(LEFT, subtype="MPEG_LAYER_III", container="MP3")
    data = PLAIN[:SAMPLES] + frames.ljust(len(PLAIN) - SAMPLES, b"\0")[: len(PLAIN) - SAMPLES]
    assert pcm.open_plain(data) is None
