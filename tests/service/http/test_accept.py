import pytest

from service.http.accept import preferred

OFFERED = ["application/json", "text/plain"]
JSON, TEXT = OFFERED


@pytest.mark.parametrize(
    ("accept", "answer"),
    [
        ("", JSON),
        ("*/*", JSON),
        ("text/plain", TEXT),
        ("TEXT/Plain", TEXT),
        ("text/*", TEXT),
        ("image/png", JSON),
        ("text/plain;q=0.1, application/json", JSON),
        ("application/json;q=0.5, text/plain", TEXT),
        ("application/json;q=0.5,text/plain;q=0.50001", TEXT),
        ("application/json; q=0, */*", TEXT),
        ("*/*;q=1, text/plain;q=0.2", JSON),
        ("*/*;q=0.2, text/*;q=0.3", TEXT),
        ("application/json, text/plain, */*", JSON),
        ("text/plain, application/json", TEXT),
        ("text/plain;charset=utf-8;q=0.9, application/json;q=0.8", TEXT),
        ("text/html, application/xhtml+xml, */*;q=0.8", JSON),
        ("text/plain;q=nonsense, application/json;q=0.1", JSON),
        ("text/plain;q=9, application/json;q=0.1", JSON),
        (",,;;q=1,/", JSON),
    ],
)
def test_the_media_type_that_a_client_likes_most_is_chosen(accept: str, answer: str) -> None:
    assert preferred(accept, OFFERED) == answer
