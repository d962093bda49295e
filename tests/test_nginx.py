"""A real nginx in front of several copies of the service, as docker/nginx sets it up."""

import json
import signal
import ssl
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
from websockets.sync.client import connect

from tests.audio import encode, tone
from tests.bundles import edit_card, write_models
from tests.nginx import NGINX, OPENSSL, nginx
from tests.nursery import Forked
from tests.server import TIMEOUT_S, free_port, server
from tests.service.streaming.said import START_JSON

CLIP = encode(tone())
MAX_UPLOAD_BYTES = 300_000
N_CLIENTS = 4
# Between two clips of a client. Without it, they would want all cores; with it, at most moments
# some clip is still at work.
PAUSE_S = 0.05
N_COPIES = 3
CUT_OFF = 0
# How long nginx leaves a copy out that has refused; operators wait longer for one to be ready.
LEFT_OUT_S = 1.5
RAW = {"content-type": "audio/wav"}

pytestmark = [
    pytest.mark.skipif(NGINX is None, reason="no nginx here"),
    pytest.mark.skipif(OPENSSL is None, reason="no openssl for a certificate"),
]


@dataclass
class Copies:
    """Some copies of the service behind nginx, and a client of it."""

    folder: Path
    models_dir: Path
    ports: list[int]
    processes: list[Forked]
    restart: Callable[[int], None]
    client: httpx2.Client
    http_port: int


@pytest.fixture(scope="module")
def copies(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Copies]:
    """Copies that serve the same models, behind nginx."""
    tmp_path = tmp_path_factory.mktemp("copies")
    models_dir = write_models(tmp_path / "models")
    ports = [free_port() for _ in range(N_COPIES)]
    with ExitStack() as stack:

        def start(number: int) -> Forked:
            log = tmp_path / f"{number}-{time.monotonic_ns()}.log"
            process, _ = stack.enter_context(
                server(
                    models_dir,
                    log,
                    port=ports[number],
                    max_upload_bytes=MAX_UPLOAD_BYTES,
                    trusted_proxies="127.0.0.1",
                    log_client="address",
                )
            )
            return process

        processes = [start(number) for number in range(len(ports))]

        def restart(number: int) -> None:
            processes[number] = start(number)

        client, http_port = stack.enter_context(
            nginx(tmp_path, ports, max_upload_bytes=MAX_UPLOAD_BYTES)
        )
        yield Copies(tmp_path, models_dir, ports, processes, restart, client, http_port)


@contextmanager
def load(client: httpx2.Client) -> Iterator[list[int]]:
    """Have clients post clips, one after the other, until the end of the ``with`` statement."""
    time.sleep(LEFT_OUT_S)
    statuses: list[int] = []
    going = True

    def post() -> None:
        while going:
            try:
                statuses.append(client.post("/classify", content=CLIP, headers=RAW).status_code)
            except httpx2.RemoteProtocolError:  # the answer had begun
                statuses.append(CUT_OFF)
            time.sleep(PAUSE_S)

    with ThreadPoolExecutor(N_CLIENTS) as threads:
        posting = [threads.submit(post) for _ in range(N_CLIENTS)]
        try:
            yield statuses
        finally:
            going = False
        for one in posting:
            one.result()


def wait_for_more(statuses: list[int], count: int) -> None:
    wanted, deadline = len(statuses) + count, time.monotonic() + TIMEOUT_S
    while len(statuses) < wanted:
        assert time.monotonic() < deadline, Counter(statuses)
        time.sleep(0.02)


def test_copies_restarted_one_by_one_under_load_cost_no_request(copies: Copies) -> None:
    with load(copies.client) as statuses:
        wait_for_more(statuses, 10)
        for number in range(len(copies.processes)):
            copies.processes[number].send_signal(signal.SIGTERM)
            assert copies.processes[number].wait(TIMEOUT_S) == 0
            wait_for_more(statuses, 10)
            copies.restart(number)
            time.sleep(LEFT_OUT_S)
            wait_for_more(statuses, 10)
    assert Counter(statuses) == {200: len(statuses)}


def test_a_copy_killed_under_load_costs_at_most_what_it_had_at_work(copies: Copies) -> None:
    with load(copies.client) as statuses:
        wait_for_more(statuses, 20)
        copies.processes[0].kill()
        copies.processes[0].wait()
        wait_for_more(statuses, 2 * N_CLIENTS)
        after = len(statuses)
        wait_for_more(statuses, 30)
    copies.restart(0)
    assert set(statuses) <= {200, 502, CUT_OFF}
    assert len(statuses) - statuses.count(200) <= N_CLIENTS
    assert set(statuses[after:]) == {200}


def test_a_copy_that_hangs_loses_its_turn(copies: Copies) -> None:
    """Those that it had get an answer when it goes on; all others are answered meanwhile."""
    with load(copies.client) as statuses:
        wait_for_more(statuses, 10)
        copies.processes[0].send_signal(signal.SIGSTOP)
        # At most all but one of the clients wait for it, because the other copy is asked first.
        wait_for_more(statuses, 30)
        copies.processes[0].send_signal(signal.SIGCONT)
    assert Counter(statuses) == {200: len(statuses)}


def test_new_models_come_under_load_without_a_failed_request(copies: Copies) -> None:
    with load(copies.client) as statuses:
        wait_for_more(statuses, 10)
        for task in ("genre", "chord", "emotion"):
            edit_card(copies.models_dir / task, version="2.0.0")
        for process in copies.processes:
            process.send_signal(signal.SIGHUP)
        wait_for_more(statuses, 30)
    assert Counter(statuses) == {200: len(statuses)}
    told = [copies.client.get("/models").json() for _ in range(4)]
    assert {model["version"] for models in told for model in models} == {"2.0.0"}


def test_plain_http_is_sent_on_to_tls(copies: Copies) -> None:
    answer = httpx2.get(f"http://127.0.0.1:{copies.http_port}/docs?a=b")
    assert answer.status_code == 308
    assert answer.headers["location"] == str(copies.client.base_url.join("/docs?a=b"))


def test_the_body_limits_of_nginx_and_the_service_are_in_step(copies: Copies) -> None:
    largest = CLIP + bytes(MAX_UPLOAD_BYTES - len(CLIP))
    form = {"file": ("clip.wav", largest)}
    assert copies.client.post("/classify", files=form).status_code == 200

    slightly = copies.client.post("/classify", content=largest + b"x", headers=RAW)
    far = copies.client.post("/classify", content=2 * largest, headers=RAW)

    for refused in (slightly, far):
        assert refused.status_code == 413
        assert refused.headers["content-type"] == "application/problem+json"
        assert refused.json()["type"] == "/problems/too-many-bytes"
        assert refused.json()["instance"] == "/classify"


def test_an_upload_reaches_a_copy_while_it_comes(copies: Copies) -> None:
    def pending() -> bool:
        told = [httpx2.get(f"http://127.0.0.1:{port}/metrics").text for port in copies.ports]
        return any("music_classification_pending_clips 1.0" in figures for figures in told)

    seen: list[bool] = []

    def slowly() -> Iterator[bytes]:
        yield CLIP[: len(CLIP) // 2]
        deadline = time.monotonic() + TIMEOUT_S
        while not (seen and seen[-1]) and time.monotonic() < deadline:
            seen.append(pending())
        yield CLIP[len(CLIP) // 2 :]

    assert copies.client.post("/classify", content=slowly(), headers=RAW).status_code == 200
    assert seen[-1]


def test_the_service_sees_the_client_and_not_what_it_claims(copies: Copies) -> None:
    headers = RAW | {"X-Forwarded-For": "203.0.113.9", "X-Request-ID": "look-here"}
    assert copies.client.post("/classify", content=CLIP, headers=headers).status_code == 200
    lines: list[str] = []
    deadline = time.monotonic() + TIMEOUT_S
    while not lines:  # it is written after the answer
        assert time.monotonic() < deadline
        logs = "".join(log.read_text() for log in copies.folder.glob("*-*.log"))
        lines = [line for line in logs.splitlines() if '"request_id": "look-here"' in line]
    (line,) = lines
    assert '"client": "127.0.0.1"' in line
    assert "203.0.113.9" not in line


def test_a_copy_that_hangs_for_ever_costs_what_it_is_given(copies: Copies, tmp_path: Path) -> None:
    """Each time that it is tried again, one more waits in vain; all others are answered."""
    hanging = copies.processes[0]
    with nginx(tmp_path, copies.ports[:2], read_timeout_s=2) as (client, _):
        # Before there is load: an answer that had begun could only be cut off.
        hanging.send_signal(signal.SIGSTOP)
        try:
            with load(client) as statuses:
                wait_for_more(statuses, 70)
        finally:
            hanging.send_signal(signal.SIGCONT)
    told = Counter(statuses)
    assert set(told) <= {200, 504}
    assert told[200] >= 40


def test_a_stream_and_the_pages_go_through_under_a_prefix(tmp_path: Path) -> None:
    prefix = "/music"
    models_dir = write_models(tmp_path / "models")
    settings = {"root_path": prefix, "trusted_proxies": "127.0.0.1"}
    with (
        server(models_dir, tmp_path / "log", **settings) as (_, direct),
        nginx(tmp_path, [direct.base_url.port or 0], prefix) as (client, _),
    ):
        answer = client.post(f"{prefix}/classify", content=CLIP, headers=RAW)
        document = client.get(f"{prefix}/asyncapi.json").json()
        lost = client.get(f"{prefix}/nothing")
        outside = client.get("/models")
        without_slash = client.get(prefix)
        verify = ssl.create_default_context(cafile=str(tmp_path / "tls.crt"))
        address = str(client.base_url).replace("https", "wss", 1).rstrip("/")
        with connect(f"{address}{prefix}/stream/genre", ssl=verify) as stream:
            stream.send(json.dumps(START_JSON))
            stream.send(json.dumps({"end": True}))
            final = json.loads(stream.recv(TIMEOUT_S))

    assert answer.status_code == 200
    assert prefix in json.dumps(document["servers"])
    assert lost.json()["type"] == f"{prefix}/problems/not-found"
    assert without_slash.headers["location"] == f"{prefix}/"
    assert outside.status_code in {403, 404}  # nginx's own, of a folder that holds nothing
    assert final["final"] is True


def test_without_any_copy_the_answer_says_when_to_try_again(tmp_path: Path) -> None:
    with nginx(tmp_path, [free_port()]) as (client, _):
        answer = client.get('/models"?a="b')
    assert answer.status_code == 502
    assert answer.headers["content-type"] == "application/problem+json"
    assert int(answer.headers["retry-after"]) >= 1
    assert answer.json()["title"] == "Copy lost"
