import pytest

from service.inference.harte import root_and_quality


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("C:maj", (0, "maj")),
        ("F#:min7/b7", (6, "min7")),
        ("Cb:7", (11, "7")),
        ("Bb", (10, "")),
        ("N", None),
        ("H:maj", None),
        ("C##:maj", None),
        ("", None),
    ],
)
def test_root_and_quality_are_read(label: str, expected: tuple[int, str] | None) -> None:
    assert root_and_quality(label) == expected
