from pathlib import Path

import pytest
from prometheus_client import REGISTRY
from starlette.testclient import TestClient

from service.inference.bundle import MODEL_FILE, file_sha256
from service.intake.admission import Admission
from service.intake.workers import WorkerPool
from service.settings import Settings
from tests.audio import encode_as, tone
from tests.bundles import GENRES, band_centre_hz
from tests.service.serving import unstarted

CLIP = encode_as("flac", tone(band_centre_hz(2, len(GENRES)), 2.0))
SILENCE = encode_as("flac", 0 * tone(duration_s=1.0))


def figure(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0


def post(client: TestClient, data: bytes, path: str = "/classify/genre") -> None:
    response = client.post(path, content=data, headers={"content-type": "audio/flac"})
    assert response.status_code == 200


def test_pending_clips_are_those_that_were_admitted(monkeypatch: pytest.MonkeyPatch) -> None:
    unstarted(Settings())
    monkeypatch.setattr(Admission, "pending", 7)
    monkeypatch.setattr(WorkerPool, "waiting", 5)
    assert figure("service_pending_clips") == 7
    assert figure("service_queued_clips") == 5


def test_problems_are_counted_by_kind(client: TestClient) -> None:
    before = figure("service_problems_total", kind="not-found")
    client.get("/nowhere")
    assert figure("service_problems_total", kind="not-found") == before + 1


def test_decoded_seconds_are_counted_by_format(client: TestClient) -> None:
    before = figure("service_decoded_seconds_total", format="flac")
    post(client, CLIP, "/classify")
    assert figure("service_decoded_seconds_total", format="flac") == pytest.approx(before + 2.0)


@pytest.mark.parametrize(("data", "uncertain"), [(CLIP, "false"), (SILENCE, "true")])
def test_answers_are_counted_by_label_and_certainty(
    client: TestClient, data: bytes, uncertain: str
) -> None:
    def answers() -> float:
        return sum(
            figure("service_answers_total", task="genre", label=label, uncertain=uncertain)
            for label in GENRES
        )

    before = answers()
    post(client, data)
    assert answers() == before + 1


@pytest.mark.parametrize("stage", ["upload", "queue", "decode", "features", "inference"])
def test_every_stage_is_timed(client: TestClient, stage: str) -> None:
    before = figure("service_stage_duration_seconds_count", stage=stage)
    post(client, CLIP)
    assert figure("service_stage_duration_seconds_count", stage=stage) == before + 1


def test_every_model_is_listed_with_its_version(client: TestClient, models_dir: Path) -> None:
    client.get("/metrics")
    sha256 = file_sha256(models_dir / "chord" / MODEL_FILE)
    labels = {"task": "chord", "state": "ready", "version": "1.0.0", "sha256": sha256}
    assert figure("service_model_info", **labels) == 1
