import os
import pty
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx2
import pytest

from service import __version__
from service.__main__ import START_REFUSED, main
from service.inference.bundle_files import MODEL_FILE
from service.settings import Settings
from service.startup.ports import listening
from tests.audio import encode, tone
from tests.bundles import GENRES, SAMPLE_RATE_HZ, band_centre_hz, write_bundle
from tests.server import COMMAND, ROOT, TIMEOUT_S, environment, server, service_process
from tests.service.http.raw import CLIP, UPLOAD_HEAD, connect, first


def test_help_lists_every_setting_with_its_meaning(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["service", "--help"])
    with pytest.raises(SystemExit, match="0"):
        main()
    told = capsys.readouterr().out
    for name, field in Settings.model_fields.items():
        assert f"SERVICE_{name.upper()}" in told
        assert str(field.description) in told


def test_version_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["service", "--version"])
    with pytest.raises(SystemExit, match="0"):
        main()
    assert capsys.readouterr().out.strip() == __version__


def test_an_unknown_option_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["service", "--port", "9000"])
    with pytest.raises(SystemExit, match="2"):
        main()


def refused(variables: dict[str, object]) -> str:
    """Run the command with settings that it must refuse; return what it says."""
    done = subprocess.run(  # noqa: S603  # our own command
        COMMAND,
        cwd=ROOT,
        env=environment(**variables),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode == START_REFUSED, done.stderr
    assert "Traceback" not in done.stderr
    assert "serves, version" not in done.stderr  # no model was loaded
    return done.stderr


def test_a_setting_that_does_not_fit_stops_the_start_and_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["service"])
    monkeypatch.setenv("SERVICE_WORKERS", "0")
    monkeypatch.setenv("SERVICE_PROT", "9000")

    assert main() == START_REFUSED
    told = capsys.readouterr().err
    assert "SERVICE_WORKERS=0 does not fit: must be more than 0" in told
    assert "SERVICE_PROT is no setting of the service; did you mean SERVICE_PORT?" in told


def test_a_port_in_use_stops_the_start_before_any_model_loads(models_dir: Path) -> None:
    with listening("127.0.0.1", 0, 1) as sockets:
        port = sockets[0].getsockname()[1]
        told = refused({"port": port, "models_dir": models_dir})

    assert told.splitlines() == [
        f"Port {port} of 127.0.0.1 is in use, perhaps by another copy of the service. End the "
        "program that uses it, or set SERVICE_PORT to another port."
    ]


def test_traces_that_cannot_be_sent_stop_the_start_before_it_is_said_to_serve(
    models_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318")
    told = refused({"port": 0, "models_dir": models_dir})
    assert told == "OTEL_EXPORTER_OTLP_ENDPOINT must begin with http:// or https://.\n"


def test_a_models_folder_that_does_not_exist_stops_the_start(tmp_path: Path) -> None:
    told = refused({"port": 0, "models_dir": tmp_path / "modles"})
    assert f"There is no folder {tmp_path / 'modles'}." in told


# Tells how many objects the collector of cycles passes over, instead of serving.
COLLECTED = """
import gc, sys
from service import __main__ as service
def look(*_):
    print(gc.get_freeze_count())
service._Server.run = look
sys.argv = ["service"]
service.main()
"""


def test_the_collector_passes_over_what_was_there_at_the_start(models_dir: Path) -> None:
    done = subprocess.run(  # noqa: S603  # our own code
        [sys.executable, "-c", COLLECTED],
        cwd=ROOT,
        env=environment(port=0, models_dir=models_dir),
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(done.stdout) > 50_000


def test_a_real_server_gets_ready_and_answers_all_it_has_begun_when_told_to_end(
    models_dir: Path, tmp_path: Path
) -> None:
    frequency_hz = band_centre_hz(2, len(GENRES))
    data = encode(tone(frequency_hz, rate_hz=SAMPLE_RATE_HZ), SAMPLE_RATE_HZ)
    log = tmp_path / "log"
    terminated = threading.Event()

    def slow_upload() -> Iterator[bytes]:
        yield data[:1_000]
        assert terminated.wait(TIMEOUT_S)
        yield data[1_000:]

    def upload(client: httpx2.Client) -> httpx2.Response:
        headers = {"content-type": "audio/wav"}
        return client.post("/classify/genre", content=slow_upload(), headers=headers)

    with (
        service_process(models_dir, log, workers=1) as (process, client),
        ThreadPoolExecutor(1) as threads,
    ):
        answer = client.post("/classify/genre", files={"file": ("clip.wav", data)})
        assert answer.status_code == 200
        assert answer.json()["label"] == GENRES[2]

        running = threads.submit(upload, client)
        while "music_classification_pending_clips 1.0" not in client.get("/metrics").text:
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        while client.get("/health/ready").status_code == 200:
            time.sleep(0.001)
        stopping = client.get("/health/ready")
        assert stopping.json()["status"] == "stopping"
        assert stopping.headers["connection"] == "close"
        terminated.set()
        assert running.result(TIMEOUT_S).json() == answer.json()
        assert process.wait(TIMEOUT_S) == 0

    assert "Traceback" not in log.read_text()
    assert "bundle genre serves, version 1.0.0" in log.read_text()
    before, last = log.read_text().splitlines()[-2:]
    assert "stops: takes no more connections" in before
    assert '"message": "has stopped"' in last


def test_who_has_connected_before_the_end_is_answered(models_dir: Path, tmp_path: Path) -> None:
    with service_process(models_dir, tmp_path / "log", workers=1, shutdown_delay_s=0) as (
        process,
        client,
    ):
        address = (client.base_url.host, client.base_url.port)
        with socket.create_connection(address, TIMEOUT_S) as connection:
            process.send_signal(signal.SIGTERM)
            time.sleep(0.15)  # the signal comes before the request, as it may behind a balancer
            connection.sendall(b"GET /health/live HTTP/1.1\r\nHost: here\r\n\r\n")
            assert connection.recv(1 << 16).startswith(b"HTTP/1.1 200 ")
        assert process.wait(TIMEOUT_S) == 0


def test_an_upload_that_stalls_at_the_end_is_told_so(models_dir: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with server(models_dir, log, deadline_s=0.5, shutdown_delay_s=0) as (process, client):
        with closing(connect(client, UPLOAD_HEAD)) as connection:
            time.sleep(0.1)  # it has begun
            process.send_signal(signal.SIGTERM)
            assert first(connection).startswith(b"HTTP/1.1 408 ")
            time.sleep(1)  # longer than the deadline, and less than what comes late is dropped for
            connection.sendall(CLIP)
        assert process.wait(TIMEOUT_S) == 0
    assert '"level": "error"' not in log.read_text()


def test_sighup_reloads_the_bundles_a_bad_one_leaves_the_old_one_and_ctrl_c_ends_it(
    models_dir: Path, tmp_path: Path
) -> None:
    models = tmp_path / "models"
    shutil.copytree(models_dir, models)
    data = encode(tone(rate_hz=SAMPLE_RATE_HZ), SAMPLE_RATE_HZ)

    log = tmp_path / "log"
    with service_process(models, log, workers=1) as (process, client):

        def genre() -> dict[str, Any]:
            summary: dict[str, Any] = client.get("/health/ready").json()["models"]["genre"]
            return summary

        def answering_version() -> str:
            answer = client.post("/classify/genre", files={"file": ("clip.wav", data)})
            return str(answer.json()["model"]["version"])

        (models / "genre" / MODEL_FILE).write_bytes(b"damaged")
        process.send_signal(signal.SIGHUP)
        wait_until(lambda: genre()["reason"] is not None)
        assert genre()["state"] == "ready"
        assert answering_version() == "1.0.0"

        shutil.rmtree(models / "genre")
        write_bundle(models / "genre", version="2.0.0")
        process.send_signal(signal.SIGHUP)
        wait_until(lambda: genre()["version"] == "2.0.0")
        assert genre()["reason"] is None
        assert answering_version() == "2.0.0"

        process.send_signal(signal.SIGINT)
        assert process.wait(TIMEOUT_S) == 0
    assert "Traceback" not in log.read_text()


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_on_a_terminal_the_first_line_is_the_address_to_open(models_dir: Path) -> None:
    reader, terminal = pty.openpty()
    with (
        open(reader, encoding="utf-8") as shown,  # noqa: PTH123  # a terminal has no path
        subprocess.Popen(  # noqa: S603  # our own command
            COMMAND,
            cwd=ROOT,
            env=environment(port=0, models_dir=models_dir, workers=1),
            stdout=terminal,
            stderr=terminal,
        ) as process,
    ):
        os.close(terminal)
        first = shown.readline()
        process.kill()
    assert re.search(r"http://[\w.]+:\d+", first), first
