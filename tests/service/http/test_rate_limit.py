import pytest

from service.errors import TooManyRequests
from service.http import rate_limit
from service.http.rate_limit import RateLimit


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def taken(limit: RateLimit, client: str, tries: int) -> int:
    """Return how many of some requests at once are let through."""
    count = 0
    for _ in range(tries):
        try:
            limit.take(client)
        except TooManyRequests:
            continue
        count += 1
    return count


def test_some_may_come_at_once_and_the_others_at_the_rate() -> None:
    clock = Clock()
    limit = RateLimit(per_minute=30, burst=5, clock=clock)
    assert taken(limit, "a", 20) == 5
    clock.now_s = 2.0
    assert taken(limit, "a", 20) == 1
    clock.now_s = 8.0
    assert taken(limit, "a", 20) == 3
    clock.now_s = 1_000.0
    assert taken(limit, "a", 20) == 5


def test_a_refusal_tells_both_bounds() -> None:
    """Who sends ten at once has not sent more than thirty in a minute."""
    limit = RateLimit(per_minute=30, burst=5, clock=Clock())
    taken(limit, "a", 5)
    with pytest.raises(TooManyRequests, match="30 requests a minute, 5 of them at once"):
        limit.take("a")


def test_each_client_has_a_bucket_of_its_own() -> None:
    limit = RateLimit(per_minute=1, burst=2, clock=Clock())
    assert taken(limit, "a", 9) == 2
    assert taken(limit, "b", 9) == 2


@pytest.mark.parametrize("per_minute", [7.0, 60.0, 100.0])
def test_who_waits_as_long_as_it_was_told_to_is_let_through(per_minute: float) -> None:
    clock = Clock()
    limit = RateLimit(per_minute, burst=3, clock=clock)
    for _ in range(20):
        try:
            limit.take("a")
        except TooManyRequests as error:
            clock.now_s += error.retry_after_s or 0
            limit.take("a")
    assert clock.now_s >= 60 / per_minute


def test_a_refused_request_does_not_make_the_wait_longer() -> None:
    clock = Clock()
    limit = RateLimit(per_minute=60, burst=1, clock=clock)
    assert taken(limit, "a", 100) == 1
    clock.now_s = 1.0
    assert taken(limit, "a", 1) == 1


def test_clients_that_have_gone_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limit, "SWEEP_AT", 10)
    clock = Clock()
    limit = RateLimit(per_minute=60, burst=2, clock=clock)
    for number in range(100):
        clock.now_s += 1.0
        limit.take(str(number))
    assert len(limit._full_at_s) < 10
