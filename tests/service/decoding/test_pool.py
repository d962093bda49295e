import os
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from service.audio.decode import Limits, Samples, Waveforms, decode
from service.audio.excerpt import Excerpt
from service.audio.mpeg import frame_bytes
from service.decoding.pool import DecoderPool
from service.errors import ServiceError, TooManySeconds, UnsupportedAudio, UnusableAudio
from tests.audio import ENCODINGS, MUXINGS, RATE_HZ, encode, encode_as, mux, noise, stereo, tone
from tests.service.decoding.pools import CLIP, decoded, soon


@pytest.fixture(scope="module")
def pool() -> Iterator[DecoderPool]:
    with_two = DecoderPool(2)
    with_two.start()
    yield with_two
    with_two.close()


def peak_bytes(process_id: int) -> int:
    """Return the most memory that a process has ever held."""
    status = Path(f"/proc/{process_id}/status").read_text("ascii")
    return 1024 * int(dict(line.split(":", 1) for line in status.splitlines())["VmHWM"].split()[0])


@pytest.mark.parametrize("name", ENCODINGS)
def test_a_clip_comes_back_as_if_it_were_decoded_here(pool: DecoderPool, name: str) -> None:
    rate_hz = ENCODINGS[name].rate_hz
    data = encode_as(name, stereo(tone(rate_hz=rate_hz), tone(600, rate_hz=rate_hz)))

    rates_hz = [11_025, rate_hz]
    there, here = decoded(pool, data, rates_hz), decode(data, rates_hz)

    for rate in rates_hz:
        np.testing.assert_array_equal(there.waveforms[rate], here.waveforms[rate])
    assert replace(there, waveforms={}) == replace(here, waveforms={})


def test_an_excerpt_comes_back_as_if_it_were_decoded_here(pool: DecoderPool) -> None:
    excerpt = Excerpt(0.5, 1.0)
    there = decoded(pool, CLIP, [RATE_HZ], excerpt=excerpt)
    here = decode(CLIP, [RATE_HZ], excerpt=excerpt)
    assert there.duration_s == here.duration_s == 1.0
    np.testing.assert_array_equal(there.waveforms[RATE_HZ], here.waveforms[RATE_HZ])


@pytest.mark.parametrize("name", MUXINGS)
def test_what_ffmpeg_reads_comes_back_too_within_the_limits_on_memory(
    pool: DecoderPool, name: str
) -> None:
    answer, muxing = MUXINGS[name]
    data = mux(tone(rate_hz=muxing.rate_hz), muxing)
    there, here = decoded(pool, data, [11_025]), decode(data, [11_025])
    assert there.format == answer
    np.testing.assert_array_equal(there.waveforms[11_025], here.waveforms[11_025])


@pytest.mark.skipif(sys.platform != "linux", reason="what a process has loaded is told by Linux")
def test_ffmpeg_is_loaded_by_the_decoder_whose_file_needs_it_and_stays() -> None:
    m4a = mux(tone(), MUXINGS["m4a"][1])
    pool = DecoderPool(2)
    pool.start()
    try:
        decoded(pool, CLIP)
        plain = pool.process_ids
        assert [loads_ffmpeg(process_id) for process_id in plain] == [False, False]

        decoded(pool, m4a)
        after = pool.process_ids
        assert [loads_ffmpeg(process_id) for process_id in after].count(True) == 1
        assert len({*plain} & {*after}) == 1

        for data in (CLIP, m4a, CLIP):
            assert decoded(pool, data).duration_s == pytest.approx(2.0, abs=0.1)
        assert pool.process_ids == after
    finally:
        pool.close()


def loads_ffmpeg(process_id: int) -> bool:
    return "libavcodec" in Path(f"/proc/{process_id}/maps").read_text("utf-8")


def test_as_many_channels_as_can_ever_be_allowed_fit_in_its_memory(pool: DecoderPool) -> None:
    limits = Limits(max_channels=1024)
    many = np.repeat(tone(duration_s=0.2)[:, None], limits.max_channels, axis=1)
    assert decoded(pool, encode(many), limits=limits).channels == limits.max_channels


@pytest.mark.parametrize(
    ("data", "limits", "error"),
    [
        (b"", Limits(), UnusableAudio),
        (CLIP[:44], Limits(), UnusableAudio),
        (b"\x89PNG\r\n\x1a\n" + bytes(500), Limits(), UnsupportedAudio),
        (CLIP, Limits(max_duration_s=1.5), TooManySeconds),
    ],
    ids=["empty", "header only", "png", "too long"],
)
def test_a_problem_comes_back_as_if_it_were_found_here(
    pool: DecoderPool, data: bytes, limits: Limits, error: type[ServiceError]
) -> None:
    with pytest.raises(error) as here:
        decode(data, limits=limits)
    with pytest.raises(error) as there:
        decoded(pool, data, limits=limits)
    assert isinstance(here.value, ServiceError)
    assert there.value.detail == here.value.detail


def test_many_threads_share_the_decoders(pool: DecoderPool) -> None:
    with ThreadPoolExecutor(8) as threads:
        clips = list(threads.map(lambda _: decoded(pool, CLIP, [RATE_HZ]), range(32)))
    assert {len(clip.waveforms[RATE_HZ]) for clip in clips} == {len(tone())}


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="there is no /proc")
def test_a_decoder_holds_only_a_part_of_each_waveform() -> None:
    rate_hz = 48_000
    small_file = encode(np.zeros(600 * 4_000, np.float32), 4_000, container="FLAC")
    with_one = DecoderPool(1)
    with_one.start()
    decoded(with_one, CLIP, [RATE_HZ])
    before_bytes = peak_bytes(*with_one.process_ids)

    clip = decoded(with_one, small_file, [rate_hz])

    grown_bytes = peak_bytes(*with_one.process_ids) - before_bytes
    with_one.close()
    assert grown_bytes < clip.waveforms[rate_hz].nbytes / 4


@pytest.mark.parametrize("duration_s", [2.0, 100.0], ids=["nothing sent", "some sent"])
def test_a_listener_hears_a_clip_anew_whose_channels_cancel_each_other(
    pool: DecoderPool, duration_s: float
) -> None:
    sound = noise(duration_s)
    clip = decoded(pool, encode(stereo(sound, -sound)), [RATE_HZ])
    assert len(clip.waveforms[RATE_HZ]) == len(sound)
    np.testing.assert_allclose(clip.waveforms[RATE_HZ], sound, atol=1e-3)


class Faulty(Waveforms):
    """Cannot hear what it is sent."""

    def add(self, rate_hz: int, samples: Samples) -> None:
        raise RuntimeError(f"cannot hear {len(samples)} samples at {rate_hz} Hz")


def test_the_clip_after_one_that_nobody_could_hear_is_not_taken_for_it(pool: DecoderPool) -> None:
    with pytest.raises(RuntimeError, match="cannot hear"):
        pool.decode(CLIP, Faulty([8_000, RATE_HZ]), Limits(), soon())
    for _ in pool.process_ids:
        assert len(decoded(pool, CLIP, [RATE_HZ]).waveforms[RATE_HZ]) == 2 * RATE_HZ


def test_signals_to_the_whole_group_leave_the_decoders_running(pool: DecoderPool) -> None:
    pool.wait_until_ready(soon())
    before = pool.process_ids
    for process_id in before:
        for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            os.kill(process_id, ending)
    assert decoded(pool, CLIP).duration_s == 2.0
    assert pool.process_ids == before


def test_what_native_code_writes_about_a_file_reaches_no_log(
    capfd: pytest.CaptureFixture[str],
) -> None:
    data = bytearray(encode_as("mp3", noise()))
    frame = 0
    for _ in range(10):
        frame += frame_bytes(bytes(data), frame)
    data[frame + 6 : frame + 21] = b"\xff" * 15  # what it tells of its sound
    decode(bytes(data))
    assert "too large" in capfd.readouterr().err

    quiet = DecoderPool(1)
    quiet.start()
    decoded(quiet, bytes(data))
    quiet.close()
    assert capfd.readouterr().err == ""
