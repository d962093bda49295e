import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.audio.decode import Limits
from service.deadline import Deadline
from service.decoding import decoder
from service.decoding import pool as decoder_pool
from service.decoding.pool import DecoderPool
from service.errors import DeadlineExceeded, ServiceError, UnusableAudio
from tests import unruly_decoder
from tests.service.decoding.pools import CLIP, decoded, soon

LATE_S = 0.25


@pytest.fixture(scope="module")
def unruly() -> Iterator[DecoderPool]:
    """One decoder that misbehaves when it is told to, and is whole again after each test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decoder, "COMMAND", unruly_decoder.COMMAND)
        with_one = DecoderPool(1)
        with_one.start()
        yield with_one
        with_one.close()


def is_running(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_decoder_that_has_ffmpeg_and_denies_it_is_one_that_crashed(unruly: DecoderPool) -> None:
    with pytest.raises(UnusableAudio, match="crashed"):
        decoded(unruly, unruly_decoder.LACK)
    assert decoded(unruly, CLIP).duration_s == 2.0


def test_a_decoder_that_hangs_is_killed_at_the_deadline_and_replaced(unruly: DecoderPool) -> None:
    unruly.wait_until_ready(soon())
    (hung,) = unruly.process_ids

    with pytest.raises(DeadlineExceeded, match=f"within {LATE_S} s"):
        decoded(unruly, unruly_decoder.HANG, deadline=Deadline.within(LATE_S))

    assert not is_running(hung)
    assert decoded(unruly, CLIP).duration_s == 2.0


@pytest.mark.parametrize("how", [unruly_decoder.CRASH, unruly_decoder.RAISE, unruly_decoder.BABBLE])
def test_a_file_that_crashes_its_decoder_is_unusable_and_the_next_is_decoded(
    unruly: DecoderPool, how: bytes
) -> None:
    with pytest.raises(UnusableAudio, match="crashed its decoder"):
        decoded(unruly, how)
    assert decoded(unruly, CLIP).duration_s == 2.0


@pytest.mark.skipif(sys.platform != "linux", reason="not every system limits memory")
def test_a_file_that_needs_too_much_memory_is_unusable_and_costs_no_decoder(
    unruly: DecoderPool,
) -> None:
    unruly.wait_until_ready(soon())
    before = unruly.process_ids
    with pytest.raises(UnusableAudio, match="memory"):
        decoded(unruly, unruly_decoder.SWALLOW_MEMORY)
    assert decoded(unruly, CLIP).duration_s == 2.0
    assert unruly.process_ids == before


@pytest.mark.parametrize("max_duration_s", [1.0, 900.0])
def test_a_decoder_that_sends_too_much_or_nonsense_after_samples_is_replaced(
    unruly: DecoderPool, max_duration_s: float
) -> None:
    limits = Limits(max_duration_s=max_duration_s)
    with pytest.raises(UnusableAudio, match="crashed its decoder"):
        decoded(unruly, unruly_decoder.BABBLE_LATER, [16_000], limits)
    assert decoded(unruly, CLIP).duration_s == 2.0


def test_a_clip_whose_decoder_is_killed_from_outside_is_decoded_by_the_next(
    unruly: DecoderPool, tmp_path: Path
) -> None:
    died = tmp_path / "died"
    clip = decoded(unruly, unruly_decoder.DIE_ONCE + bytes(died))
    assert died.exists()
    assert clip.duration_s == 2.0


def test_a_clip_whose_decoders_are_all_killed_from_outside_is_not_called_broken(
    unruly: DecoderPool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoder, "ATTEMPTS", 1)
    with pytest.raises(ServiceError, match="want of memory") as told:
        decoded(unruly, unruly_decoder.DIE_ONCE + bytes(tmp_path / "died"))
    assert told.value.status == 500


@pytest.mark.skipif(sys.platform != "linux", reason="other systems choose by themselves")
def test_a_decoder_goes_before_all_others_where_memory_is_short(unruly: DecoderPool) -> None:
    unruly.wait_until_ready(soon())
    (process_id,) = unruly.process_ids
    assert Path(f"/proc/{process_id}/oom_score_adj").read_text() == "1000\n"


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGSEGV])
def test_a_decoder_that_died_idle_is_replaced_unnoticed(
    unruly: DecoderPool, ending: signal.Signals
) -> None:
    for _ in range(3):
        (process_id,) = unruly.process_ids
        os.kill(process_id, ending)
        os.waitid(os.P_PID, process_id, os.WEXITED | os.WNOWAIT)
        assert decoded(unruly, CLIP).duration_s == 2.0


def test_decoders_that_cannot_start_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoder, "COMMAND", (sys.executable, "-c", "raise SystemExit(1)"))
    broken = DecoderPool(1)
    broken.start()
    with pytest.raises(ServiceError, match="does not start"):
        broken.wait_until_ready(soon())
    broken.close()


def test_processes_that_do_not_end_are_waited_for_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(decoder_pool, "STOP_S", 1.0)
    three = DecoderPool(3)
    three.start()
    for process_id in three.process_ids:
        os.kill(process_id, signal.SIGSTOP)

    began_s = time.monotonic()
    three.close()

    assert time.monotonic() - began_s < 2.0


def test_closing_ends_every_process_even_one_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoder_pool, "STOP_S", 0.1)
    hanging = DecoderPool(1)
    hanging.start()
    hanging.wait_until_ready(soon())
    (process_id,) = hanging.process_ids
    os.kill(process_id, signal.SIGSTOP)
    hanging.close()
    assert not is_running(process_id)
