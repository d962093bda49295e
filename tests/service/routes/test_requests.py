"""However clients send a file and what they ask, it is understood, or named what is not."""

import gzip
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.service.routes.posting import CLIP, RAW, answer, post_file
from tests.service.serving import assert_problem

UPLOADS: dict[str, dict[str, Any]] = {
    "audio": {"files": {"audio": ("clip.wav", CLIP)}},
    "audio_file": {"files": {"audio_file": ("clip", CLIP, "application/octet-stream")}},
    "no content type": {"content": CLIP},
    "octet-stream": {"content": CLIP, "headers": {"content-type": "application/octet-stream"}},
    "curl's default": {
        "content": CLIP,
        "headers": {"content-type": "application/x-www-form-urlencoded"},
    },
    "gzip": {"content": gzip.compress(CLIP), "headers": {**RAW, "content-encoding": "gzip"}},
}


@pytest.mark.parametrize("sent", UPLOADS.values(), ids=list(UPLOADS))
def test_audio_is_understood_however_clients_send_it(
    client: TestClient, sent: dict[str, Any]
) -> None:
    assert answer(client.post("/classify/genre", **sent)) == answer(
        post_file(client, "/classify/genre")
    )


@pytest.mark.parametrize("path", ["/classify/genre/", "/classify/Genre", "/classify/GENRE//"])
def test_a_task_is_understood_however_it_is_written(client: TestClient, path: str) -> None:
    response = client.post(path, content=CLIP, headers=RAW, follow_redirects=False)
    assert answer(response) == answer(post_file(client, "/classify/genre"))


@pytest.mark.parametrize(
    ("path", "near"),
    [
        ("/health", "Did you mean /health/live? See"),
        ("/Classify/Genre", "Did you mean /classify/genre? See"),
        ("/predictions", "; see"),
        ("/classify/genre" + "e" * 200, "this service knows"),
        ("/" + "x" * 200, "; see"),
    ],
)
def test_of_an_unknown_address_the_nearest_is_told(
    client: TestClient, path: str, near: str
) -> None:
    problem = assert_problem(client.post(path), 404, "not-found")
    assert near in problem["detail"]


def test_another_coding_is_refused_with_those_that_are_understood(client: TestClient) -> None:
    headers = {**RAW, "content-encoding": "br"}
    response = client.post("/classify/genre", content=CLIP, headers=headers)
    problem = assert_problem(response, 415, "unsupported-encoding")
    assert "Content-Encoding" in problem["detail"]
    assert response.headers["accept-encoding"] == "gzip, deflate"


@pytest.mark.parametrize("path", ["/classify", "/classify/genre"])
def test_fields_of_the_form_count_like_the_query(client: TestClient, path: str) -> None:
    options = {"timeline": "true", "top_k": "2", "start_s": "0.5", "duration_s": "1"}
    as_fields = client.post(path, files={"file": CLIP}, data=options)
    as_query = client.post(path, files={"file": CLIP}, params=options)
    as_both = client.post(path, files={"file": CLIP}, params=options, data=options)
    assert answer(as_fields) == answer(as_query) == answer(as_both)
    assert answer(as_fields) != answer(post_file(client, path))


def test_a_query_and_a_field_that_differ_are_refused(client: TestClient) -> None:
    response = client.post("/classify/genre?top_k=1", files={"file": CLIP}, data={"top_k": "2"})
    assert "top_k" in assert_problem(response, 422, "invalid-request")["detail"]


@pytest.mark.parametrize("path", ["/classify", "/classify/genre"])
def test_what_is_not_known_is_named_with_what_is_near_it(client: TestClient, path: str) -> None:
    as_query = post_file(client, f"{path}?topk=1")
    as_field = client.post(path, files={"file": CLIP}, data={"topk": "1"})
    lyrics = client.post(path, files={"file": CLIP}, data={"lyrics": "la " * 5_000})
    for response in (as_query, as_field):
        detail = assert_problem(response, 422, "invalid-request")["detail"]
        assert "'topk'" in detail
        assert "'top_k'" in detail
    assert "'lyrics'" in assert_problem(lyrics, 422, "invalid-request")["detail"]
