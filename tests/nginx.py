"""Run a real nginx in front of copies of the service, as docker/nginx sets it up."""

import shutil
import ssl
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx2

from tests.server import ROOT, TIMEOUT_S, free_port

NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
OPENSSL = shutil.which("openssl")
FOLDER = ROOT / "docker" / "nginx"
MAX_UPLOAD_BYTES = 26_214_400
MAIN = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{}}
http {{
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/service.conf;
}}
"""


def certificate(folder: Path) -> tuple[Path, Path]:
    """Make a certificate of this machine's, and its key."""
    key, cert = folder / "tls.key", folder / "tls.crt"
    subprocess.run(  # noqa: S603  # our own command
        [
            *(str(OPENSSL), "req", "-x509", "-newkey", "ec"),
            *("-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-days", "2", "-subj", "/CN=localhost"),
            *("-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"),
            *("-keyout", str(key), "-out", str(cert)),
        ],
        check=True,
        capture_output=True,
    )
    return cert, key


def body_limit(max_upload_bytes: int) -> str:
    """Return what the nginx image works out before it fills in the template."""
    done = subprocess.run(  # noqa: S603  # our own script
        ["sh", "-c", f". {FOLDER}/10-body-limit.envsh; echo $MAX_BODY_BYTES"],  # noqa: S607
        env={"SERVICE_MAX_UPLOAD_BYTES": str(max_upload_bytes)},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


@contextmanager
def nginx(
    folder: Path,
    ports: Sequence[int],
    prefix: str = "",
    read_timeout_s: int = 35,
    max_upload_bytes: int = MAX_UPLOAD_BYTES,
) -> Iterator[tuple[httpx2.Client, int]]:
    """Start nginx before the copies at these ports; return a client of it and its plain port."""
    cert, key = certificate(folder)
    http_port, https_port = free_port(), free_port()
    text = (FOLDER / "service.conf.template").read_text("utf-8")
    text = text.replace("proxy_read_timeout 35s;", f"proxy_read_timeout {read_timeout_s}s;")
    # Several servers, where the name of a Compose service has several addresses.
    marks = " max_fails=1 fail_timeout=1s;\n    server "
    filled = {
        "COPIES": marks.join(f"127.0.0.1:{port}" for port in ports),
        "HTTP_PORT": str(http_port),
        "HTTPS_PORT": str(https_port),
        "PUBLIC_PORT": str(https_port),
        "TLS_CERTIFICATE": str(cert),
        "TLS_KEY": str(key),
        "MAX_BODY_BYTES": body_limit(max_upload_bytes),
        "PREFIX": prefix,
    }
    for name, value in filled.items():
        text = text.replace(f"${{{name}}}", value)
    (folder / "service.conf").write_text(text, "utf-8")
    (folder / "nginx.conf").write_text(MAIN.format(folder=folder), "utf-8")
    assert NGINX is not None
    with subprocess.Popen([NGINX, "-p", str(folder), "-c", str(folder / "nginx.conf")]) as process:  # noqa: S603
        try:
            verify = ssl.create_default_context(cafile=str(cert))
            address = f"https://127.0.0.1:{https_port}"
            with httpx2.Client(base_url=address, verify=verify, timeout=TIMEOUT_S) as client:
                _wait_until_it_answers(client, process)
                yield client, http_port
        finally:
            process.terminate()


def _wait_until_it_answers(client: httpx2.Client, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while True:
        try:
            client.get("/")
            return
        except httpx2.TransportError:
            assert process.poll() is None
            assert time.monotonic() < deadline
        time.sleep(0.05)
