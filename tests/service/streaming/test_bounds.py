import asyncio
import time
from contextlib import ExitStack

import pytest

from service.errors import Overloaded, TooManyStreams
from service.settings import Settings
from service.streaming.bounds import Bounds, Pace, StreamPlaces


def test_the_bounds_are_those_of_the_settings() -> None:
    settings = Settings(
        max_sample_rate_hz=48_000,
        max_channels=2,
        max_stream_s=60,
        max_stream_bytes_per_s=1000,
        stream_message_timeout_s=5,
    )
    assert Bounds.of(settings) == Bounds(48_000, 2, 60, 1000, 5)


def test_there_are_only_so_many_places() -> None:
    places = StreamPlaces(2, None)
    with ExitStack() as stack:
        stack.enter_context(places.place("a"))
        stack.enter_context(places.place("a"))
        assert places.taken == 2
        with pytest.raises(Overloaded) as refused:
            stack.enter_context(places.place("b"))
        assert refused.value.retry_after_s
    assert places.taken == 0


def test_one_client_may_have_only_so_many() -> None:
    places = StreamPlaces(10, 1)
    with places.place("a"), places.place("b"):
        with pytest.raises(TooManyStreams) as refused, places.place("a"):
            pass
        assert refused.value.retry_after_s
    with places.place("a"):
        assert places.taken == 1


def test_a_place_is_free_again_after_a_crash() -> None:
    places = StreamPlaces(1, None)
    with pytest.raises(ZeroDivisionError), places.place("a"):
        raise ZeroDivisionError
    assert places.taken == 0


def seconds_for(*n_bytes: int, before_s: float = 0.0) -> float:
    async def run() -> float:
        pace = Pace(bytes_per_s=1000)
        await asyncio.sleep(before_s)
        began = time.monotonic()
        for n in n_bytes:
            await pace.hold(n)
        return time.monotonic() - began

    return asyncio.run(run())


def test_what_comes_faster_has_to_wait() -> None:
    assert 0.19 < seconds_for(100, 100) < 0.5


def test_after_a_pause_more_may_come_at_once() -> None:
    assert seconds_for(50, 50, before_s=0.12) < 0.09


def test_what_is_slow_enough_never_waits() -> None:
    assert seconds_for(1, 1, 1) < 0.05
