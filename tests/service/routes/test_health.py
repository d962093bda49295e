import asyncio
from pathlib import Path
from typing import Literal

import pytest
from fastapi import FastAPI
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from service import __version__
from service.inference.bundle_files import MODEL_FILE
from service.settings import Settings
from service.telemetry import metrics
from tests.audio import encode, tone
from tests.bundles import write_bundle
from tests.service.serving import serve, unstarted


def test_the_process_is_alive(client: TestClient) -> None:
    response = client.get("/health/live")

    assert response.status_code == 200
    assert response.json() == {"status": "live", "version": __version__}


def test_the_service_is_ready_when_all_models_are(client: TestClient) -> None:
    response = client.get("/health/ready")

    assert response.status_code == 200
    assert response.json()["status"] == "ready"
    assert {model["state"] for model in response.json()["models"].values()} == {"ready"}


def test_the_service_is_alive_but_not_ready_while_models_load(models_dir: Path) -> None:
    client = unstarted(Settings(models_dir=models_dir))

    response = client.get("/health/ready")

    assert response.status_code == 503
    assert response.json()["status"] == "loading"
    assert client.get("/health/live").status_code == 200


@pytest.mark.parametrize(("ready_when", "status"), [("all", 503), ("any", 200)])
def test_a_model_that_must_be_there_and_failed_leaves_readiness_to_the_operator(
    ready_when: Literal["all", "any"], status: int, tmp_path: Path
) -> None:
    write_bundle(tmp_path / "genre")
    (write_bundle(tmp_path / "chord") / MODEL_FILE).unlink()
    settings = Settings(models_dir=tmp_path, tasks=("genre", "chord"), ready_when=ready_when)
    with serve(settings) as client:
        response = client.get("/health/ready")
        answer = client.post("/classify/genre", files={"file": ("clip.wav", encode(tone()))})

    assert response.status_code == status
    assert response.json()["status"] == "degraded"
    models = response.json()["models"]
    assert models["genre"]["state"] == "ready"
    assert models["chord"]["state"] == "failed"
    assert MODEL_FILE in models["chord"]["reason"]
    assert answer.status_code == 200


def test_a_failed_model_that_need_not_be_there_leaves_the_service_ready(tmp_path: Path) -> None:
    write_bundle(tmp_path / "genre")
    (write_bundle(tmp_path / "tempo") / MODEL_FILE).unlink()
    with serve(Settings(models_dir=tmp_path, tasks=("genre",))) as client:
        response = client.get("/health/ready")

    assert response.status_code == 200
    assert response.json()["status"] == "degraded"


@pytest.mark.parametrize("ready_when", ["all", "any"])
def test_the_service_is_not_ready_when_every_model_failed(
    ready_when: Literal["all", "any"], tmp_path: Path
) -> None:
    with serve(Settings(models_dir=tmp_path, ready_when=ready_when)) as client:
        response = client.get("/health/ready")

    assert response.status_code == 503
    assert response.json()["status"] == "failed"


def test_metrics_are_in_the_form_that_prometheus_reads(client: TestClient) -> None:
    def live_requests() -> float:
        response = client.get("/metrics")
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/plain")
        return sum(
            sample.value
            for family in text_string_to_metric_families(response.text)
            for sample in family.samples
            if sample.name == "music_classification_requests_total"
            and sample.labels["path"] == "/health/live"
            and sample.labels["status"] == "200"
        )

    before = live_requests()
    for _ in range(3):
        client.get("/health/live")

    assert live_requests() == before + 3


def test_other_requests_do_not_wait_while_metrics_are_written(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    loops = []

    def written(*_: object, **__: object) -> bytes:
        loops.append(asyncio._get_running_loop())
        return b"written"

    monkeypatch.setattr(metrics, "exposition", written)
    assert client.get("/metrics").text == "written"
    assert loops == [None]


def test_metrics_hold_latency_and_the_queue(client: TestClient) -> None:
    text = client.get("/metrics").text

    assert "music_classification_request_duration_seconds_bucket" in text
    assert "music_classification_pending_clips 0.0" in text


def test_load_balancers_may_ask_with_head(client: TestClient) -> None:
    for path in ("/health/live", "/health/ready", "/"):
        response = client.head(path)
        assert response.status_code == 200
        assert response.content == b""


def test_a_service_that_is_stopping_is_alive_but_not_ready(models_dir: Path) -> None:
    with serve(Settings(models_dir=models_dir)) as client:
        assert isinstance(client.app, FastAPI)
        client.app.state.stopping.set()
        response = client.get("/health/ready")
        assert response.status_code == 503
        assert response.json()["status"] == "stopping"
        assert client.get("/health/live").status_code == 200
