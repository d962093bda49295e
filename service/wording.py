"""What a validator finds wrong with a value, in words for people."""

from pydantic_core import ErrorDetails

# By the validator's name for it; the braces are filled from its context.
_WORDS = {
    "bool_parsing": "must be true or false",
    "int_parsing": "must be a whole number",
    "int_parsing_size": "must be a smaller number",
    "int_from_float": "must be a whole number",
    "int_type": "must be a whole number",
    "float_parsing": "must be a number",
    "float_type": "must be a number",
    "finite_number": "must be a number that is not infinite",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "literal_error": "must be {expected}",
    "missing": "is missing",
    "extra_forbidden": "is unknown",
    "json_invalid": "is no JSON: {error}",
    "value_error": "{error}",
}


def in_words(fault: ErrorDetails) -> str:
    """Return what is wrong, to follow the name or the value that it is about.

    What has no words of ours is told in the validator's own.
    """
    words = _WORDS.get(fault["type"])
    if words is None:
        return fault["msg"]
    return words.format(**{name: _plain(value) for name, value in fault.get("ctx", {}).items()})


def _plain(value: object) -> object:
    """Return a number as people write it."""
    return int(value) if isinstance(value, float) and value.is_integer() else value
