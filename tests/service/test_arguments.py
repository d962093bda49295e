from argparse import ArgumentTypeError
from collections.abc import Callable

import pytest

from service.arguments import number_from_zero, positive_number, positive_whole, share, whole


@pytest.mark.parametrize(
    ("read", "text", "number"),
    [
        (whole, "0", 0),
        (positive_whole, "1", 1),
        (number_from_zero, "0", 0.0),
        (positive_number, "1e-3", 0.001),
        (share, "0", 0.0),
        (share, "1", 1.0),
    ],
)
def test_numbers_within_their_bounds_are_read(
    read: Callable[[str], float], text: str, number: float
) -> None:
    assert read(text) == number
    assert type(read(text)) is type(number)


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (whole, "-1"),
        (positive_whole, "0"),
        (number_from_zero, "-0.1"),
        (number_from_zero, "inf"),
        (number_from_zero, "nan"),
        (positive_number, "0"),
        (positive_number, "inf"),
        (positive_number, "nan"),
        (share, "1.01"),
        (share, "nan"),
    ],
)
def test_numbers_beyond_their_bounds_are_refused_by_name(
    read: Callable[[str], float], text: str
) -> None:
    with pytest.raises(ArgumentTypeError, match=text):
        read(text)


@pytest.mark.parametrize("read", [whole, positive_whole, number_from_zero, positive_number, share])
def test_what_is_no_number_is_left_to_argparse(read: Callable[[str], float]) -> None:
    with pytest.raises(ValueError, match="abc"):
        read("abc")
