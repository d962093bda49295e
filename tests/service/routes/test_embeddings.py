"""What a network hears of a clip, as a vector that is given on request."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from service.audio.decode import Samples
from service.settings import Settings
from tests.audio import encode, tone
from tests.bundles import CHORDS, GENRES, band_centre_hz, write_bundle
from tests.service.routes.posting import RATE_HZ, answer, post_file
from tests.service.serving import serve


@pytest.fixture(scope="module")
def embedding_client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A client of a service with two tasks that share an embedding, and one that has none."""
    models = tmp_path_factory.mktemp("embedding")
    for task in ("genre", "emotion"):
        write_bundle(models / task, labels=GENRES, embedding_gain=2.0)
    write_bundle(models / "chord", labels=CHORDS)
    with serve(Settings(models_dir=models)) as ready_client:
        yield ready_client


def test_an_embedding_is_what_the_network_hears_in_the_mean(embedding_client: TestClient) -> None:
    # Another genre in each half: what is heard in the whole is both.
    halves = [tone(band_centre_hz(band, len(GENRES)), 2.0, rate_hz=RATE_HZ) for band in (0, 2)]
    alone = [_embedding(embedding_client, half) for half in halves]
    both = _embedding(embedding_client, np.concatenate(halves))

    assert alone[0].argmax() == 0
    assert alone[1].argmax() == 2
    np.testing.assert_allclose(both, np.mean(alone, axis=0), atol=0.1)


def _embedding(client: TestClient, samples: Samples) -> np.ndarray[Any, Any]:
    body = answer(post_file(client, "/classify/genre?embedding=true", encode(samples, RATE_HZ)))
    return np.array(body["embedding"]["values"])


def test_tasks_of_one_network_have_one_embedding_and_others_none(
    embedding_client: TestClient,
) -> None:
    results = answer(post_file(embedding_client, "/classify?embedding=true"))["results"]

    assert results["genre"]["embedding"] == results["emotion"]["embedding"]
    assert len(results["genre"]["embedding"]["sha256"]) == 64
    assert "embedding" not in results["chord"]


def test_an_embedding_is_given_on_request_only(embedding_client: TestClient) -> None:
    assert "embedding" not in answer(post_file(embedding_client, "/classify/genre"))
