import time

import numpy as np
import pytest

from service.audio.decode import Limits, decode
from service.audio.excerpt import Excerpt
from service.errors import TooManySeconds, UnusableAudio
from tests.audio import (
    ENCODINGS,
    MUXINGS,
    RATE_HZ,
    Waveform,
    encode,
    encode_as,
    mux,
    noise,
    tone,
    varying_mp3,
)
from tests.service.audio.heard import loudest_hz, without_order


@pytest.mark.parametrize("name", ["wav", "flac", "mp3", "ogg", "opus", "aiff"])
def test_an_excerpt_is_that_part_of_the_whole(name: str) -> None:
    rate_hz = ENCODINGS[name].rate_hz
    data = encode_as(name, noise(4.0, rate_hz=rate_hz))
    whole = decode(data, [rate_hz]).waveforms[rate_hz]

    clip = decode(data, [rate_hz], excerpt=Excerpt(1.5, 2.0))

    assert clip.duration_s == 2.0
    assert clip.warnings == ()
    begin = round(1.5 * rate_hz)
    part = whole[begin : begin + 2 * rate_hz]
    np.testing.assert_allclose(clip.waveforms[rate_hz], part, atol=2e-3)


@pytest.mark.parametrize("name", ["m4a", "aac", "wavpack"])
def test_an_excerpt_of_what_ffmpeg_reads_is_that_part_of_the_whole(name: str) -> None:
    data = mux(np.concatenate([tone(440, 3.0), tone(880, 3.0)]), MUXINGS[name][1])
    clip = decode(data, [RATE_HZ], excerpt=Excerpt(3.5))
    assert clip.duration_s == pytest.approx(2.5, abs=0.1)
    assert loudest_hz(clip.waveforms[RATE_HZ], RATE_HZ) == pytest.approx(880, abs=1)


def test_an_excerpt_is_sought_not_decoded_from_the_beginning() -> None:
    data = varying_mp3(noise(200.0), info=False)
    times_s = []
    for excerpt in (Excerpt(0, 1), Excerpt(195, 1), Excerpt()):
        began = time.process_time()
        decode(data, excerpt=excerpt)
        times_s.append(time.process_time() - began)
    assert times_s[1] < times_s[2] / 4


def test_an_excerpt_that_ends_behind_the_end_is_what_there_is() -> None:
    clip = decode(encode(tone()), excerpt=Excerpt(1.5, 60.0))
    assert (clip.duration_s, without_order(clip.warnings)) == (0.5, {"short"})


def ramp(duration_s: float) -> Waveform:
    """Return samples that each tell when they sound, in tenths of seconds."""
    return (np.arange(round(duration_s * RATE_HZ)) / RATE_HZ / 10).astype(np.float32)


@pytest.mark.parametrize(
    ("excerpt", "start_s", "end_s"),
    [
        (Excerpt(), 0.0, 4.0),
        (Excerpt(1.0), 1.0, 4.0),
        (Excerpt(0.0, 1.5), 0.0, 1.5),
        (Excerpt(1.25, 0.5), 1.25, 1.75),
        (Excerpt(3.5, 100.0), 3.5, 4.0),
        (Excerpt(1.4, 1 / 3), 1.4, 1.4 + 1 / 3),
    ],
)
def test_only_the_excerpt_is_heard(excerpt: Excerpt, start_s: float, end_s: float) -> None:
    clip = decode(encode(ramp(4.0), subtype="FLOAT"), [RATE_HZ], excerpt=excerpt)
    heard = clip.waveforms[RATE_HZ]
    assert clip.duration_s == pytest.approx(end_s - start_s, abs=1 / RATE_HZ)
    assert len(heard) == round(clip.duration_s * RATE_HZ)
    assert heard[0] * 10 == pytest.approx(start_s, abs=1 / RATE_HZ)
    assert heard[-1] * 10 == pytest.approx(end_s, abs=2 / RATE_HZ)


@pytest.mark.parametrize("name", ENCODINGS)
def test_an_excerpt_of_any_format_is_the_part_that_it_names(name: str) -> None:
    rate_hz = ENCODINGS[name].rate_hz
    parts = [tone(f, 1.0, rate_hz=rate_hz) for f in (300, 600, 1_200)]
    data = encode_as(name, np.concatenate(parts))
    clip = decode(data, [rate_hz], excerpt=Excerpt(1.1, 0.8))
    spectrum = np.abs(np.fft.rfft(clip.waveforms[rate_hz]))
    assert spectrum.argmax() / clip.duration_s == pytest.approx(600, abs=2)


def test_limits_on_seconds_count_what_is_heard() -> None:
    data, limits = encode(tone(duration_s=3.0)), Limits(max_duration_s=1.0)
    assert decode(data, limits=limits, excerpt=Excerpt(1.5, 1.0)).duration_s == 1.0
    with pytest.raises(TooManySeconds):
        decode(data, limits=limits, excerpt=Excerpt(1.5))
    with pytest.raises(UnusableAudio, match=r"duration_s is 0\.05; .*Let it be more"):
        decode(data, limits=limits, excerpt=Excerpt(1.5, 0.05))
    with pytest.raises(UnusableAudio, match=r"From start_s on, 2\.95 s.*Let start_s be less"):
        decode(data, limits=limits, excerpt=Excerpt(2.95))


@pytest.mark.parametrize("start_s", [2.0, 5.0, 1e6])
def test_an_excerpt_behind_the_end_is_refused_with_where_that_is(start_s: float) -> None:
    with pytest.raises(UnusableAudio, match=r"ends at 2\.000 s.*Let start_s be less"):
        decode(encode(tone(duration_s=2.0)), excerpt=Excerpt(start_s))


@pytest.mark.parametrize("start_s", [0.0, 0.02, 5.0])
def test_a_file_that_is_too_short_is_called_so_wherever_it_is_heard(start_s: float) -> None:
    with pytest.raises(UnusableAudio, match=r"The file holds 0\.030 s of audio; at least 0\.1 s"):
        decode(encode(tone(duration_s=0.03)), excerpt=Excerpt(start_s))


def test_a_file_cut_off_behind_the_excerpt_is_not_called_truncated() -> None:
    data = encode(tone(duration_s=4.0))
    cut = data[: len(data) // 2]
    for excerpt, truncated in ((Excerpt(0.5, 1.0), False), (Excerpt(0.5, 3.0), True)):
        warnings = decode(cut, excerpt=excerpt).warnings
        assert any(warning.startswith("truncated") for warning in warnings) is truncated
