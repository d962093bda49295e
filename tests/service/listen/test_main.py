"""The client in a terminal, against a service of its own process."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from ssl import SSLCertVerificationError

import pytest

from service.listen.__main__ import KEY_VARIABLE, main
from service.listen.conversation import address
from service.listen.errors import ListenError
from tests.audio import encode, tone
from tests.bundles import GENRES, SAMPLE_RATE_HZ, band_centre_hz
from tests.server import ROOT, TIMEOUT_S, heed_interrupts

BLUES = tone(band_centre_hz(0, len(GENRES)), 1.2, rate_hz=SAMPLE_RATE_HZ)


@pytest.fixture
def url(shared_service: str) -> str:
    return shared_service


@pytest.fixture
def song(tmp_path: Path) -> str:
    file = tmp_path / "song.wav"
    file.write_bytes(encode(BLUES, SAMPLE_RATE_HZ))
    return str(file)


@pytest.mark.parametrize(
    ("url", "task", "expected"),
    [
        ("ws://here:1", None, "ws://here:1/stream"),
        ("http://here/music/", "chord", "ws://here/music/stream/chord"),
        ("https://here", None, "wss://here/stream"),
        ("wss://here", None, "wss://here/stream"),
        ("here:8000", None, "ws://here:8000/stream"),
    ],
)
def test_the_address_of_streams_is_made_of_that_of_the_service(
    url: str, task: str | None, expected: str
) -> None:
    assert address(url, task) == expected


def test_a_file_is_heard_for_programs(
    url: str, song: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([song, "--url", url, "--task", "genre", "--fast", "--json"]) == 0
    *before, final = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [answer["heard_s"] for answer in before] == [0.5, 1.0]
    assert final["final"] is True
    assert final["so_far"]["label"] == GENRES[0]


def test_a_file_is_heard_for_people(
    url: str, song: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([song, "--url", url, "--fast"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert all(f"[{GENRES[0]}]" in line for line in lines)


def test_a_refusal_is_told_in_the_services_words(
    url: str, song: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([song, "--url", url, "--task", "tempo"]) == 2
    assert "There is no task 'tempo'" in capsys.readouterr().err


def test_a_stream_that_is_ended_is_told_why(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "slow.wav"
    file.write_bytes(encode(BLUES, 2_000))
    assert main([str(file), "--url", url]) == 2
    assert "sample_rate_hz: must be 4000" in capsys.readouterr().err


def test_no_service_and_no_stream_are_told(
    url: str, song: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        assert main([song, "--url", f"ws://127.0.0.1:{silent.getsockname()[1]}"]) == 2
    assert "python -m service" in capsys.readouterr().err
    assert main([song, "--url", f"{url}/docs"]) == 2
    assert "nothing at /docs/stream" in capsys.readouterr().err
    for odd in ("ws://here:port", "ws://here:99999", f"ws://{'a' * 64}.org"):
        assert main([song, "--url", odd]) == 2
        assert "is no stream" in capsys.readouterr().err


def test_a_certificate_that_is_not_trusted_is_told_with_what_helps(
    song: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def distrust(*_: object, **__: object) -> None:
        error = SSLCertVerificationError()
        error.verify_message = "self-signed certificate"
        raise error

    monkeypatch.setattr("service.listen.conversation.connect", distrust)
    assert main([song, "--url", "https://here"]) == 2
    told = capsys.readouterr().err
    assert "self-signed certificate" in told
    assert "SSL_CERT_FILE" in told


def test_a_source_that_fails_ends_the_stream_and_is_told(
    url: str, song: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def unplugged(*_: object) -> Iterator[bytes]:
        yield bytes(4_000)
        raise ListenError("It was unplugged.")

    monkeypatch.setattr("service.listen.sources.FileSource.blocks", unplugged)
    began_s = time.monotonic()
    assert main([song, "--url", url]) == 2
    assert capsys.readouterr().err == "It was unplugged.\n"
    assert time.monotonic() - began_s < 5  # much less than the service waits for a message


def test_answers_that_nobody_reads_end_it(url: str, song: str) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(  # noqa: S603  # our own command
            [sys.executable, "-m", "service.listen", song, "--url", url, "--fast"],
            cwd=ROOT,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 2
    assert done.stderr == "The answers cannot be written: No space left on device.\n"


def test_the_help_teaches() -> None:
    done = subprocess.run(  # our own command
        [sys.executable, "-m", "service.listen", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "python -m service.listen song.mp3" in done.stdout
    assert KEY_VARIABLE in done.stdout


def test_ctrl_c_asks_for_the_last_answer(url: str, tmp_path: Path) -> None:
    file = tmp_path / "long.wav"
    file.write_bytes(encode(tone(440, 60.0, rate_hz=SAMPLE_RATE_HZ), SAMPLE_RATE_HZ))
    with subprocess.Popen(  # noqa: S603  # our own command
        [sys.executable, "-m", "service.listen", str(file), "--url", url, "--json"],
        cwd=ROOT,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        preexec_fn=heed_interrupts,  # noqa: PLW1509
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        first = json.loads(process.stdout.readline())
        time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=TIMEOUT_S)
    final = json.loads(rest.splitlines()[-1])
    assert process.returncode == 0
    assert final["final"] is True
    assert final["heard_s"] >= first["heard_s"] == 0.5
