from typing import Annotated, Any, Literal

import pytest
from annotated_types import Ge, Gt, Le
from pydantic import TypeAdapter, ValidationError

from service.wording import in_words


def fault(kind: Any, value: object) -> str:
    adapter: TypeAdapter[Any] = TypeAdapter(kind)
    with pytest.raises(ValidationError) as caught:
        adapter.validate_python(value)
    return in_words(caught.value.errors()[0])


@pytest.mark.parametrize(
    ("kind", "value", "words"),
    [
        (bool, "", "must be true or false"),
        (int, "many", "must be a whole number"),
        (int, 1.5, "must be a whole number"),
        (float, "1:30", "must be a number"),
        (Annotated[float, Gt(0.0)], 0, "must be more than 0"),
        (Annotated[float, Ge(0.25)], 0, "must be at least 0.25"),
        (Annotated[float, Le(1e6)], 1e7, "must be at most 1000000"),
        (Literal["json", "lab"], "xml", "must be 'json' or 'lab'"),
    ],
)
def test_a_fault_is_told_in_words_for_people(kind: object, value: object, words: str) -> None:
    assert fault(kind, value) == words


def test_what_has_no_words_of_ours_is_told_in_the_validators_own() -> None:
    assert "dictionary" in fault(dict[str, int], "{}")
