import http.client

import pytest

from service.http.targets import plain_path
from tests.audio import encode, tone


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("/", "/"),
        ("/classify/chord", "/classify/chord"),
        ("/classify/chord/", "/classify/chord"),
        ("/classify//", "/classify"),
        ("//", "/"),
        ("//classify/chord", "/classify/chord"),
        ("/classify//chord", "/classify/chord"),
        ("http://host/classify/chord", "/classify/chord"),
        ("HTTPS://host:8000/classify/chord/", "/classify/chord"),
        ("http://host", "/"),
        ("/nested/http://host/path", "/nested/http:/host/path"),
    ],
)
def test_a_target_is_its_path_without_origin_and_needless_slashes(target: str, path: str) -> None:
    assert plain_path(target) == path


def test_a_server_understands_a_target_as_for_a_proxy(shared_service: str) -> None:
    host = shared_service.removeprefix("http://")
    for target in (f"http://{host}/classify/genre?top_k=1", "/classify/genre/?top_k=1"):
        connection = http.client.HTTPConnection(host)
        connection.request("POST", target, encode(tone()), {"Content-Type": "audio/wav"})
        assert connection.getresponse().status == 200
        connection.close()
