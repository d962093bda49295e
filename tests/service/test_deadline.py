import pytest

from service.deadline import Deadline
from service.errors import DeadlineExceeded


def test_what_remains_shrinks_and_never_falls_below_zero() -> None:
    deadline = Deadline.within(60)
    assert 0 < deadline.remaining_s <= 60
    earlier = deadline.remaining_s
    assert deadline.remaining_s <= earlier
    assert Deadline.within(-1).remaining_s == 0


def test_the_error_names_the_time_that_was_allowed() -> None:
    error = Deadline.within(2.5).exceeded()
    assert isinstance(error, DeadlineExceeded)
    assert error.detail == "No answer within 2.5 s."
    with pytest.raises(DeadlineExceeded):
        raise error
