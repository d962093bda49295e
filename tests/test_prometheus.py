"""A real Prometheus scrapes the service."""

import hashlib
import json
import shutil
import subprocess
import time
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

import httpx2
import pytest

from service.telemetry.metrics import PREFIX
from tests.audio import encode, tone
from tests.server import ROOT, TIMEOUT_S, free_port, server

# With the name of the job that docker/monitoring has, and its rules.
CONFIGURATION = """
global: {{scrape_interval: 500ms, evaluation_interval: 500ms}}
rule_files: [{rules}]
scrape_configs:
  - job_name: music-classification
    authorization: {{credentials: {key}}}
    static_configs: [targets: ["127.0.0.1:{port}"]]
"""
KEY = "a key for tests"
MONITORING = ROOT / "docker" / "monitoring"

pytestmark = pytest.mark.skipif(shutil.which("prometheus") is None, reason="no Prometheus here")


def query(port: int, expression: str) -> list[dict[str, Any]]:
    address = f"http://127.0.0.1:{port}/api/v1/query?"
    try:
        with urllib.request.urlopen(  # noqa: S310  # our own server
            address + urllib.parse.urlencode({"query": expression}), timeout=TIMEOUT_S
        ) as response:
            found: list[dict[str, Any]] = json.load(response)["data"]["result"]
            return found
    except OSError:  # it does not listen yet
        return []


def dashboard_queries() -> list[str]:
    """Return what the dashboard asks, for all copies and the last seconds."""
    board = json.loads((MONITORING / "dashboards" / "service.json").read_text("utf-8"))
    asked = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    assert len(asked) > 15
    return [a.replace("$instance", ".*").replace("$__rate_interval", "10s") for a in asked]


def use(client: httpx2.Client) -> None:
    answer = client.post("/classify", files={"file": ("clip.wav", encode(tone()))})
    assert answer.status_code == 200


def test_prometheus_reads_every_figure(models_dir: Path, tmp_path: Path) -> None:
    port = free_port()
    keys = tmp_path / "keys.txt"
    keys.write_text(f"{hashlib.sha256(KEY.encode()).hexdigest()} prometheus", "utf-8")
    with server(models_dir, tmp_path / "log", api_keys_file=keys) as (_, client):
        client.headers["X-API-Key"] = KEY
        use(client)
        rules = (MONITORING / "rules.yml").read_text("utf-8")
        assert "interval: 30s" in rules  # which nobody wants to wait for here
        (tmp_path / "rules.yml").write_text(rules.replace("interval: 30s", "interval: 1s"), "utf-8")
        configuration = tmp_path / "prometheus.yml"
        configuration.write_text(
            CONFIGURATION.format(port=client.base_url.port, key=KEY, rules=tmp_path / "rules.yml"),
            "utf-8",
        )
        command = [
            "prometheus",
            f"--config.file={configuration}",
            f"--storage.tsdb.path={tmp_path / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
        ]
        with (tmp_path / "prometheus.log").open("wb") as log:
            process = subprocess.Popen(command, stderr=log)  # noqa: S603  # of the system
        try:
            deadline = time.monotonic() + TIMEOUT_S
            while not query(
                port, 'music_classification_requests_total{task="all", status="200"} > 0'
            ):
                assert time.monotonic() < deadline, (tmp_path / "prometheus.log").read_text()
                time.sleep(0.1)
            for figure in (
                'music_classification_stage_duration_seconds_count{stage="decode"} > 0',
                'music_classification_model_info{task="genre", version="1.0.0"} == 1',
                'music_classification_decoded_seconds_total{format="wav"} >= 2',
                "music_classification_answers_total > 0",
                "music_classification_pending_clips >= 0",
            ):
                assert query(port, figure), figure
            unanswered = dashboard_queries()
            while unanswered:
                use(client)
                assert client.post("/classify", content=b"").status_code == 422
                assert time.monotonic() < deadline, unanswered
                time.sleep(0.2)
                unanswered = [one for one in unanswered if not query(port, one)]
            assert query(port, 'ALERTS{alertstate="firing"}') == []
        finally:
            process.kill()
            process.wait()


@pytest.mark.skipif(shutil.which("promtool") is None, reason="no promtool here")
def test_the_figures_are_named_as_prometheus_advises(shared_client: httpx2.Client) -> None:
    use(shared_client)
    figures = shared_client.get("/metrics").content
    checked = subprocess.run(
        ["promtool", "check", "metrics"],  # noqa: S607  # of the system
        input=figures,
        capture_output=True,
        check=False,
    )
    ours = [line for line in checked.stderr.decode().splitlines() if PREFIX in line]
    assert ours == []
