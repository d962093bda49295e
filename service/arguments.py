"""Numbers on command lines: what :mod:`argparse` takes as the type of an option."""

from argparse import ArgumentTypeError
from math import inf


def whole(text: str) -> int:
    """Return a whole number that is not below zero.

    Raises
    ------
    argparse.ArgumentTypeError
        It is below; so for all these types.
    """
    number = int(text)
    if number < 0:
        raise ArgumentTypeError(f"{text} is below 0")
    return number


def positive_whole(text: str) -> int:
    """Return a whole number above zero."""
    number = int(text)
    if number < 1:
        raise ArgumentTypeError(f"{text} is not above 0")
    return number


def number_from_zero(text: str) -> float:
    """Return a finite number that is not below zero."""
    number = float(text)
    if not 0 <= number < inf:
        raise ArgumentTypeError(f"{text} is no number from 0 on")
    return number


def positive_number(text: str) -> float:
    """Return a finite number above zero."""
    number = float(text)
    if not 0 < number < inf:
        raise ArgumentTypeError(f"{text} is no number above 0")
    return number


def share(text: str) -> float:
    """Return a number from 0 to 1."""
    number = float(text)
    if not 0 <= number <= 1:
        raise ArgumentTypeError(f"{text} is not between 0 and 1")
    return number
