import asyncio
import gc

import pytest
from starlette.requests import Request
from starlette.types import Message

from service.errors import ClientLeft, InvalidRequest, TooManyBytes, UnsupportedAudio
from service.intake.upload import FORM_OVERHEAD_BYTES, MAX_FIELD_BYTES, receive_audio

AUDIO = bytes(range(256)) * 40
LIMIT_BYTES = 20_000
BOUNDARY = "boundary"
FORM = f"multipart/form-data; boundary={BOUNDARY}"


class Client:
    """Sends a body in chunks and remembers how many of them were taken."""

    def __init__(self, *chunks: bytes, disconnects: bool = False) -> None:
        self._chunks = list(chunks)
        self._disconnects = disconnects
        self.taken = 0
        self.told: list[int] = []

    async def receive(self) -> Message:
        if self.taken == len(self._chunks):
            assert self._disconnects, "read beyond the end of the body"
            return {"type": "http.disconnect"}
        chunk = self._chunks[self.taken]
        self.taken += 1
        more = self.taken < len(self._chunks) or self._disconnects
        return {"type": "http.request", "body": chunk, "more_body": more}


def receive(client: Client, content_type: str | None, *, length: int | str | None = None) -> bytes:
    headers = []
    if content_type is not None:
        headers.append((b"content-type", content_type.encode()))
    if length is not None:
        headers.append((b"content-length", str(length).encode()))
    request = Request({"type": "http", "method": "POST", "headers": headers}, client.receive)
    return asyncio.run(receive_audio(request, LIMIT_BYTES, client.told.append))


def form(data: bytes, *, field: str = "file", filename: str | None = "clip.wav") -> bytes:
    name = f'; filename="{filename}"' if filename is not None else ""
    return (
        (
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{field}"{name}\r\n'
            "Content-Type: audio/wav\r\n\r\n"
        ).encode()
        + data
        + f"\r\n--{BOUNDARY}--\r\n".encode()
    )


@pytest.mark.parametrize(
    "content_type",
    ["audio/wav", "AUDIO/MPEG", "audio/flac; rate=44100", "application/octet-stream"],
)
def test_a_raw_body_is_received_as_it_is(content_type: str) -> None:
    assert receive(Client(AUDIO[:3_000], AUDIO[3_000:]), content_type) == AUDIO


def test_the_file_of_a_form_is_received_as_it_is() -> None:
    body = form(AUDIO)
    assert receive(Client(body[:50], body[50:5_000], body[5_000:]), FORM) == AUDIO


def test_other_fields_of_a_form_are_ignored() -> None:
    note = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="note"\r\n\r\nhello\r\n'
    assert receive(Client(note.encode() + form(AUDIO)), FORM) == AUDIO


def test_a_large_field_of_a_form_is_invalid_whatever_its_charset() -> None:
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="note-"\r\n\r\n'
    note = head.encode() + b"a" * MAX_FIELD_BYTES + b"-\r\n"
    client = Client(note + form(AUDIO, field="file-"))
    with pytest.raises(InvalidRequest, match="4KB"):
        receive(client, f"{FORM}; charset=punycode")


def test_an_empty_body_is_received_as_no_bytes() -> None:
    assert receive(Client(b""), "audio/wav") == b""
    assert receive(Client(form(b"")), FORM) == b""


@pytest.mark.parametrize("content_type", [None, "", "text/plain", "application/json", "video/mp4"])
def test_another_content_type_is_refused_unread(content_type: str | None) -> None:
    client = Client(AUDIO)
    with pytest.raises(UnsupportedAudio, match="content type"):
        receive(client, content_type)
    assert client.taken == 0


def test_an_upload_of_exactly_the_limit_is_accepted() -> None:
    data = bytes(LIMIT_BYTES)
    assert receive(Client(data), "audio/wav", length=LIMIT_BYTES) == data
    assert receive(Client(form(data)), FORM) == data


def test_an_upload_that_states_too_much_is_refused_unread() -> None:
    client = Client(AUDIO)
    with pytest.raises(TooManyBytes, match=f"exceeds {LIMIT_BYTES} bytes"):
        receive(client, "audio/wav", length=LIMIT_BYTES + 1)
    assert client.taken == 0


def test_a_form_that_states_too_much_is_refused_unread() -> None:
    client = Client(form(AUDIO))
    with pytest.raises(TooManyBytes):
        receive(client, FORM, length=LIMIT_BYTES + FORM_OVERHEAD_BYTES + 1)
    assert client.taken == 0


@pytest.mark.parametrize("length", [None, 100, "nonsense", -1])
def test_bytes_are_counted_whatever_length_was_stated(length: int | str | None) -> None:
    client = Client(*[bytes(5_000)] * 10)
    with pytest.raises(TooManyBytes):
        receive(client, "audio/wav", length=length)
    assert client.taken == 5  # the first chunk beyond the limit is the last one read


def test_a_form_is_counted_while_it_arrives() -> None:
    body = form(bytes(200_000))
    chunks = [body[i : i + 10_000] for i in range(0, len(body), 10_000)]
    client = Client(*chunks)
    with pytest.raises(TooManyBytes):
        receive(client, FORM)
    assert client.taken == (LIMIT_BYTES + FORM_OVERHEAD_BYTES) // 10_000 + 1


def test_the_file_of_a_form_is_held_to_the_limit_without_the_forms_overhead() -> None:
    with pytest.raises(TooManyBytes):
        receive(Client(form(bytes(LIMIT_BYTES + 1))), FORM)


def test_a_form_without_the_file_field_is_invalid() -> None:
    with pytest.raises(InvalidRequest, match="no file in the field 'file'"):
        receive(Client(form(AUDIO, field="audio")), FORM)


def test_a_file_field_that_is_text_is_invalid() -> None:
    with pytest.raises(InvalidRequest, match="no file in the field 'file'"):
        receive(Client(form(b"clip.wav", filename=None)), FORM)


def test_two_files_are_invalid() -> None:
    two = form(AUDIO).removesuffix(f"--{BOUNDARY}--\r\n".encode()) + form(AUDIO)
    with pytest.raises(InvalidRequest, match="Too many files"):
        receive(Client(two), FORM)


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", form(AUDIO)),
        ("multipart/form-data; boundary=other", form(AUDIO)),
        (FORM, b"this is no form"),
        (FORM, f"--{BOUNDARY}\r\nno header at all\r\n\r\n".encode()),
        (FORM, f"--{BOUNDARY}\r\nContent-Disposition: form-data\r\n\r\nx\r\n".encode()),
    ],
    ids=["no boundary", "other boundary", "no form", "no header", "no name"],
)
def test_a_broken_form_is_invalid(content_type: str, body: bytes) -> None:
    with pytest.raises(InvalidRequest, match=r"form"):
        receive(Client(body), content_type)


# Starlette does not close the file of a part that never ends; it lies in memory and is freed.
@pytest.mark.filterwarnings("ignore:Exception ignored in.*SpooledTemporaryFile")
def test_a_form_that_ends_early_is_invalid() -> None:
    with pytest.raises(InvalidRequest, match=r"form"):
        receive(Client(form(AUDIO)[:5_000]), FORM)
    gc.collect()


@pytest.mark.parametrize("content_type", ["audio/wav", FORM])
def test_a_client_that_goes_away_has_left(content_type: str) -> None:
    with pytest.raises(ClientLeft, match="closed the connection"):
        receive(Client(form(AUDIO)[:5_000], disconnects=True), content_type)


def test_progress_is_told_for_each_chunk() -> None:
    client = Client(AUDIO[:3_000], AUDIO[3_000:])
    receive(client, "audio/wav")
    assert [n_bytes for n_bytes in client.told if n_bytes] == [3_000, len(AUDIO) - 3_000]
