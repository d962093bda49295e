from pathlib import Path

import pytest
from starlette.testclient import TestClient

from service.inference.bundle_files import CARD_FILE, MODEL_FILE
from service.inference.card import Card
from service.settings import Settings
from tests.bundles import CHORDS, EMOTIONS, GENRES, write_bundle
from tests.service.serving import assert_problem, serve, unstarted


def test_every_model_is_listed_with_its_labels(client: TestClient) -> None:
    response = client.get("/models")

    assert response.status_code == 200
    summaries = {summary["task"]: summary for summary in response.json()}
    assert list(summaries) == ["genre", "chord", "emotion"]
    for task, labels in (("genre", GENRES), ("chord", CHORDS), ("emotion", EMOTIONS)):
        assert summaries[task]["state"] == "ready"
        assert summaries[task]["labels"] == list(labels)
        assert summaries[task]["version"] == "1.0.0"
        assert summaries[task]["summary"]


def test_a_model_that_failed_is_listed_with_the_reason(tmp_path: Path) -> None:
    (write_bundle(tmp_path / "genre") / MODEL_FILE).unlink()
    with serve(Settings(models_dir=tmp_path, tasks=("genre",))) as client:
        (summary,) = client.get("/models").json()
    assert summary["state"] == "failed"
    assert MODEL_FILE in summary["reason"]


@pytest.mark.parametrize("task", ["genre", "chord", "emotion"])
def test_the_card_is_served_as_it_was_written(
    client: TestClient, models_dir: Path, task: str
) -> None:
    response = client.get(f"/models/{task}")

    assert response.status_code == 200
    written = Card.model_validate_json((models_dir / task / CARD_FILE).read_bytes())
    assert Card.model_validate(response.json()) == written


def test_the_card_of_an_unknown_task_is_not_found(client: TestClient) -> None:
    assert_problem(client.get("/models/tempo"), 404, "not-found")


def test_the_card_of_a_loading_model_is_not_ready(models_dir: Path) -> None:
    client = unstarted(Settings(models_dir=models_dir))
    assert_problem(client.get("/models/genre"), 503, "not-ready")
    assert {summary["state"] for summary in client.get("/models").json()} == {"loading"}
