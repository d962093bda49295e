from pathlib import Path

import pytest
from prometheus_client import REGISTRY
from prometheus_client.metrics import MetricWrapperBase
from starlette.testclient import TestClient

from service.inference.bundle import Bundle
from service.inference.bundle_files import MODEL_FILE, file_sha256
from service.inference.registry import Entry
from service.intake.admission import Admission
from service.intake.workers import WorkerPool
from service.settings import Settings
from service.telemetry import metrics
from tests.audio import encode_as, tone
from tests.bundles import CHORDS, GENRES, band_centre_hz
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
    assert figure("music_classification_pending_clips") == 7
    assert figure("music_classification_queued_clips") == 5


def test_problems_are_counted_by_kind(client: TestClient) -> None:
    before = figure("music_classification_problems_total", kind="not-found")
    client.get("/nowhere")
    assert figure("music_classification_problems_total", kind="not-found") == before + 1


def test_decoded_seconds_are_counted_by_format(client: TestClient) -> None:
    before = figure("music_classification_decoded_seconds_total", format="flac")
    post(client, CLIP, "/classify")
    assert figure("music_classification_decoded_seconds_total", format="flac") == pytest.approx(
        before + 2.0
    )


@pytest.mark.parametrize(("data", "uncertain"), [(CLIP, "false"), (SILENCE, "true")])
def test_answers_are_counted_by_label_and_certainty(
    client: TestClient, data: bytes, uncertain: str
) -> None:
    def answers() -> float:
        return sum(
            figure(
                "music_classification_answers_total", task="genre", label=label, uncertain=uncertain
            )
            for label in GENRES
        )

    before = answers()
    post(client, data)
    assert answers() == before + 1


@pytest.mark.parametrize("stage", ["upload", "queue", "decode", "features", "inference"])
def test_every_stage_is_timed(client: TestClient, stage: str) -> None:
    before = figure("music_classification_stage_duration_seconds_count", stage=stage)
    post(client, CLIP)
    assert figure("music_classification_stage_duration_seconds_count", stage=stage) == before + 1


def test_every_model_is_listed_with_its_version(client: TestClient, models_dir: Path) -> None:
    client.get("/metrics")
    sha256 = file_sha256(models_dir / "chord" / MODEL_FILE)
    labels = {"task": "chord", "state": "ready", "version": "1.0.0", "sha256": sha256}
    assert figure("music_classification_model_info", **labels) == 1


def test_a_model_that_serves_as_before_is_told(models_dir: Path) -> None:
    bundle = Bundle.load(models_dir / "chord")
    metrics.show_models({"chord": Entry("ready", bundle), "genre": Entry("failed", reason="gone")})
    assert figure("music_classification_model_outdated", task="chord") == 0
    assert figure("music_classification_model_outdated", task="genre") == 0

    metrics.show_models({"chord": Entry("ready", bundle, "the new one is damaged")})
    assert figure("music_classification_model_outdated", task="chord") == 1
    assert (
        REGISTRY.get_sample_value("music_classification_model_outdated", {"task": "genre"}) is None
    )


def test_every_figure_is_named_after_the_product() -> None:
    figures = [value for value in vars(metrics).values() if isinstance(value, MetricWrapperBase)]
    names = [metric.name for figure in figures for metric in figure.collect()]
    assert len(names) > 10
    assert [name for name in names if not name.startswith(metrics.PREFIX)] == []


@pytest.mark.parametrize(
    ("name", "labels"),
    [
        ("problems_total", {"kind": "overloaded"}),
        ("problems_total", {"kind": "too-many-requests"}),
        ("decoders_replaced_total", {"reason": "crashed"}),
        ("connections_ended_total", {"reason": "late_head"}),
        ("rate_limited_total", {}),
        ("answers_total", {"task": "chord", "label": CHORDS[-1], "uncertain": "true"}),
        (
            "requests_total",
            {
                "path": "/classify/{task}",
                "method": "POST",
                "task": "emotion",
                "status": "503",
                "problem": "overloaded",
            },
        ),
        (
            "requests_total",
            {
                "path": "/classify",
                "method": "POST",
                "task": "all",
                "status": "500",
                "problem": "service-error",
            },
        ),
        ("streams_ended_total", {"task": "genre", "ending": "cut-off", "problem": ""}),
        ("streams_ended_total", {"task": "all", "ending": "too-slow", "problem": ""}),
    ],
)
def test_a_counter_is_there_before_there_is_anything_to_count(
    client: TestClient, name: str, labels: dict[str, str]
) -> None:
    client.get("/metrics")
    assert REGISTRY.get_sample_value(metrics.PREFIX + name, labels) is not None


def test_readiness_and_workers_are_figures(client: TestClient) -> None:
    text = client.get("/metrics").text
    assert f"{metrics.PREFIX}ready 1.0" in text
    assert f"{metrics.PREFIX}workers " in text
