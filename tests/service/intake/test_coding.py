import gzip
import zlib

import pytest

from service.errors import InvalidRequest, TooManyBytes, UnsupportedEncoding
from service.intake.coding import STEP_BYTES
from tests.service.intake.uploading import (
    AUDIO,
    FORM,
    LIMIT_BYTES,
    Client,
    file_part,
    form,
    part,
    receive,
)


def deflated(data: bytes, window_bits: int) -> bytes:
    compressor = zlib.compressobj(wbits=window_bits)
    return compressor.compress(data) + compressor.flush()


CODED = {
    "gzip": gzip.compress(AUDIO),
    "GZIP": gzip.compress(AUDIO),
    "x-gzip": gzip.compress(AUDIO),
    "deflate": zlib.compress(AUDIO),
    " deflate": deflated(AUDIO, -zlib.MAX_WBITS),
    "identity": AUDIO,
    "": AUDIO,
}


@pytest.mark.parametrize("coding", CODED)
@pytest.mark.parametrize("size", [1, 100, 100_000])
def test_a_coded_body_is_received_as_it_was(coding: str, size: int) -> None:
    body = CODED[coding]
    chunks = [body[i : i + size] for i in range(0, len(body), size)]
    assert receive(Client(b"", *chunks, b""), "audio/wav", coding=coding).data == AUDIO


def test_a_coded_form_is_received_as_it_was() -> None:
    body = gzip.compress(form(part("top_k", "3"), file_part()))
    upload = receive(Client(body[:50], body[50:]), FORM, coding="gzip")
    assert upload.data == AUDIO
    assert list(upload.fields) == [("top_k", "3")]


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip, gzip", "nonsense"])
def test_another_coding_is_refused_unread(coding: str) -> None:
    client = Client(AUDIO)
    with pytest.raises(UnsupportedEncoding, match=f"Content-Encoding '{coding}'.*gzip or deflate"):
        receive(client, "audio/wav", coding=coding)
    assert client.taken == 0


@pytest.mark.parametrize(
    ("coding", "body", "fault"),
    [
        ("gzip", AUDIO, "no gzip data"),
        ("deflate", b"\xff" + AUDIO, "no deflate data"),
        ("gzip", gzip.compress(AUDIO)[:-10], "ends before"),
        ("gzip", gzip.compress(AUDIO) + b"more", "goes on behind"),
        ("deflate", zlib.compress(AUDIO) * 2, "goes on behind"),
    ],
)
def test_a_body_that_is_not_what_its_coding_says_is_invalid(
    coding: str, body: bytes, fault: str
) -> None:
    with pytest.raises(InvalidRequest, match=fault):
        receive(Client(body), "audio/wav", coding=coding)


def test_more_behind_the_end_is_noticed_when_it_comes_later() -> None:
    with pytest.raises(InvalidRequest, match="goes on behind"):
        receive(Client(gzip.compress(AUDIO), b"more"), "audio/wav", coding="gzip")


@pytest.mark.parametrize("size", [1, 50, 100_000])
def test_the_members_of_a_body_that_was_compressed_piece_by_piece_are_joined(size: int) -> None:
    body = b"".join(gzip.compress(AUDIO[at : at + 40]) for at in range(0, len(AUDIO), 40))
    body += bytes(30)  # padding, as tapes have it
    chunks = [body[i : i + size] for i in range(0, len(body), size)]
    assert receive(Client(*chunks), "audio/wav", coding="gzip").data == AUDIO


def test_members_without_end_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.intake.coding.MAX_MEMBERS", 5)
    body = gzip.compress(b"x") * 5
    assert receive(Client(body), "audio/wav", coding="gzip").data == b"xxxxx"
    body += gzip.compress(b"x")
    with pytest.raises(InvalidRequest, match="goes on behind"):
        receive(Client(body), "audio/wav", coding="gzip")


@pytest.mark.parametrize("content_type", ["audio/wav", FORM])
def test_a_bomb_is_refused_long_before_it_is_large(content_type: str) -> None:
    bomb = gzip.compress(bytes(1_000 * LIMIT_BYTES))
    assert len(bomb) < LIMIT_BYTES
    client = Client(bomb, AUDIO)
    with pytest.raises(TooManyBytes):
        receive(client, content_type, coding="gzip")
    assert client.taken == 1


@pytest.mark.parametrize("n_bytes", [STEP_BYTES - 1, STEP_BYTES, STEP_BYTES + 1, 3 * STEP_BYTES])
def test_what_one_chunk_holds_beyond_one_step_is_not_lost(
    n_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.service.intake.uploading.LIMIT_BYTES", n_bytes)
    data = bytes(n_bytes)
    assert receive(Client(gzip.compress(data)), "audio/wav", coding="gzip").data == data
