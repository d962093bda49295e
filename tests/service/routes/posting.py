"""Post a clip, and take the answer apart."""

from typing import Any

from httpx2 import Response
from starlette.testclient import TestClient

from tests.audio import encode, tone
from tests.bundles import GENRES, band_centre_hz

RATE_HZ = 8_000
CLIP = encode(tone(band_centre_hz(2, len(GENRES)), 2.0, rate_hz=RATE_HZ), RATE_HZ)
RAW = {"content-type": "audio/wav"}


def post_file(client: TestClient, path: str, data: bytes = CLIP) -> Response:
    return client.post(path, files={"file": ("clip.wav", data, "audio/wav")})


def answer(response: Response) -> dict[str, Any]:
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    return body
