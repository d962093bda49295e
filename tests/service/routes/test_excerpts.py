"""Answers about a part of the recording."""

import numpy as np
import pytest
from starlette.testclient import TestClient

from tests.audio import encode, tone
from tests.bundles import GENRES, band_centre_hz
from tests.service.routes.posting import RATE_HZ, answer, post_file
from tests.service.serving import assert_problem


def three_tones() -> bytes:
    """Return three seconds, each of another label."""
    parts = [tone(band_centre_hz(n, len(GENRES)), 1.0, rate_hz=RATE_HZ) for n in (0, 1, 2)]
    return encode(np.concatenate(parts), RATE_HZ)


@pytest.mark.parametrize(("start_s", "duration_s", "label"), [(1, 1, 1), (2, None, 2), (2, 9, 2)])
def test_an_excerpt_is_answered_alone_and_in_the_recordings_time(
    client: TestClient, start_s: float, duration_s: float | None, label: int
) -> None:
    query = f"start_s={start_s}" + ("" if duration_s is None else f"&duration_s={duration_s}")
    for path in ("/classify", "/classify/genre"):
        body = answer(post_file(client, f"{path}?timeline=true&{query}", three_tones()))
        assert body["audio"]["duration_s"] == 1.0
        assert body["audio"]["excerpt"] == {"start_s": start_s, "duration_s": 1.0}
        result = body["results"]["genre"] if path == "/classify" else body
        assert result["label"] == GENRES[label]
        assert result["timeline"][0]["start_s"] == start_s
        assert result["timeline"][-1]["end_s"] == start_s + 1


def test_without_an_excerpt_none_is_told(client: TestClient) -> None:
    assert "excerpt" not in answer(post_file(client, "/classify/genre"))["audio"]


def test_an_excerpt_behind_the_end_is_refused_with_where_that_is(client: TestClient) -> None:
    response = post_file(client, "/classify/genre?start_s=10", three_tones())
    assert "ends at 3.000 s" in assert_problem(response, 422, "unusable-audio")["detail"]
