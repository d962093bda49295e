import asyncio
from contextlib import ExitStack

import pytest

from service.errors import Overloaded, TooManyStreams
from service.settings import Settings
from service.streaming import bounds
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


class Clock:
    """Stands for asyncio: time passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def get_running_loop(self) -> "Clock":
        return self

    def time(self) -> float:
        return self.now_s

    async def sleep(self, seconds: float) -> None:
        self.now_s += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(bounds, "asyncio", clock)
    return clock


def seconds_for(clock: Clock, *n_bytes: int, before_s: float = 0.0) -> float:
    async def run() -> float:
        pace = Pace(bytes_per_s=1000)
        clock.now_s += before_s
        began_s = clock.now_s
        for n in n_bytes:
            await pace.hold(n)
        return clock.now_s - began_s

    return asyncio.run(run())


def test_what_comes_faster_has_to_wait(clock: Clock) -> None:
    assert seconds_for(clock, 100, 100) == pytest.approx(0.2)


def test_after_a_pause_more_may_come_at_once(clock: Clock) -> None:
    assert seconds_for(clock, 50, 50, before_s=0.12) == 0


def test_of_a_long_pause_one_second_counts(clock: Clock) -> None:
    assert seconds_for(clock, 1000, 100, before_s=60) == pytest.approx(0.1)
