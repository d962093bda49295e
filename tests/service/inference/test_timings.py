import time

import pytest

from service.inference.timings import STAGES, Timings


def test_stages_are_listed_in_the_order_of_the_work_whatever_came_first() -> None:
    timings = Timings()
    for name in reversed(STAGES):
        timings.add(name, 0.001)
    assert list(timings.seconds()) == list(STAGES)


def test_the_time_of_a_stage_adds_up() -> None:
    timings = Timings()
    timings.add("decode", 0.0125)
    timings.add("decode", 0.03)
    assert timings.server_timing() == "decode;dur=42.5"


def test_a_stage_that_fails_is_timed_too() -> None:
    timings = Timings()
    with pytest.raises(ZeroDivisionError), timings.stage("features"):
        _ = 1 / 0
    assert timings.seconds()["features"] >= 0


def test_a_request_without_stages_has_no_times() -> None:
    assert Timings().server_timing() == ""


def test_every_stretch_of_time_is_kept_with_its_beginning() -> None:
    timings = Timings()
    timings.add("decode", 2.0)
    began_s = time.perf_counter() - 2.0
    with timings.stage("features"):
        pass
    decode, features = timings.intervals()
    assert (decode.name, decode.seconds) == ("decode", 2.0)
    assert decode.began_s == pytest.approx(began_s, abs=0.5)
    assert features.began_s >= decode.began_s + decode.seconds


def test_a_stage_may_have_begun_longer_ago_than_it_took() -> None:
    timings = Timings()
    timings.add("decode", 0.5, 3.0)
    (decode,) = timings.intervals()
    assert (decode.began_s, decode.seconds) == (3.0, 0.5)
