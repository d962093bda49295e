import gc
import weakref

import pytest

from service.errors import InvalidRequest
from service.intake import form as form_parts
from service.intake.form import HEAD_BYTES, MAX_PARTS, is_text
from tests.service.intake.uploading import (
    AUDIO,
    BOUNDARY,
    FORM,
    Client,
    file_part,
    form,
    part,
    receive,
)

UTF8_NAME = "; filename*=utf-8''%E9%9F%B3.mp3"


def sent(*parts: bytes) -> bytes:
    """Return the file that is found in a form of these parts."""
    return bytes(receive(Client(form(*parts)), FORM).data)


@pytest.mark.parametrize(
    "file",
    [
        part("file", AUDIO, more='; filename="a.mp3"', media_type="audio/mpeg"),
        part("file", AUDIO, more='; filename="a.mp3"'),
        part("file", AUDIO, more=UTF8_NAME, media_type="audio/mpeg"),
        part("file", AUDIO, more=UTF8_NAME),
        part("file", AUDIO, media_type="audio/mpeg"),
        part("file", AUDIO, media_type="application/octet-stream"),
        part("file", AUDIO),
        part("file", AUDIO, media_type="text/plain"),
        part("file", "text", more='; filename="a.mp3"'),
        part("audio", AUDIO, more='; filename="a.mp3"', media_type="audio/mpeg"),
        part("audio_file", AUDIO),
        part("", AUDIO, more='; filename="a.mp3"'),
        f"--{BOUNDARY}\r\nContent-Type: audio/mpeg\r\n\r\n".encode() + AUDIO + b"\r\n",
    ],
    ids=[
        "usual",
        "no media type",
        "only filename*",
        "only filename* and no media type",
        "no filename",
        "no filename, octet-stream",
        "nothing but a name",
        "called text",
        "text in a file",
        "another field",
        "another field and nothing but a name",
        "a filename and no name",
        "no disposition",
    ],
)
def test_the_only_file_is_taken_however_it_is_sent(file: bytes) -> None:
    expected = file.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n")
    assert sent(part("note", "hello"), file, part("more", "naïve")) == expected


@pytest.mark.parametrize("size", [1, 7, 64, 1_000])
def test_a_form_may_arrive_in_any_chunks(size: int) -> None:
    body = form(part("top_k", "3"), file_part())
    upload = receive(Client(*[body[i : i + size] for i in range(0, len(body), size)]), FORM)
    assert upload.data == AUDIO
    assert list(upload.fields) == [("top_k", "3")]


@pytest.mark.parametrize("preamble", [b"\r\n", b"For readers who know of no forms.\r\n", b"a\n"])
@pytest.mark.parametrize("size", [1, 1_000])
def test_what_stands_in_front_of_the_first_boundary_is_passed_over(
    preamble: bytes, size: int
) -> None:
    body = preamble + form(file_part())
    chunks = [body[i : i + size] for i in range(0, len(body), size)]
    assert receive(Client(*chunks), FORM).data == AUDIO


def test_a_boundary_is_not_looked_for_without_end() -> None:
    client = Client(*[b"x" * 10_000] * 20)
    with pytest.raises(InvalidRequest, match="no multipart/form-data"):
        receive(client, FORM)
    assert client.taken < 10


def test_a_field_called_filename_is_no_file() -> None:
    upload = receive(Client(form(part("filename", "song.mp3"), file_part())), FORM)
    assert upload.data == AUDIO
    assert list(upload.fields) == [("filename", "song.mp3")]


def test_data_that_looks_almost_like_a_boundary_is_kept() -> None:
    tricky = f"\r\n--{BOUNDARY[:-1]}\r\n-\r\n--".encode() + bytes(10)
    assert sent(file_part(tricky)) == tricky


def test_a_form_without_a_file_is_told_what_it_has_and_how_to_send_one() -> None:
    with pytest.raises(InvalidRequest, match=r"no file, but the field 'file'\. .*-F file=@song"):
        sent(part("file", "song.mp3"))
    with pytest.raises(InvalidRequest, match=r"no file, but the fields 'file', 'note'\."):
        sent(part("file", "song.mp3"), part("note", ""))
    with pytest.raises(InvalidRequest, match="no file, but no field at all"):
        sent()


def test_files_that_are_too_many_are_named() -> None:
    found = r"2 files, in the fields 'file', 'cover'\. Send each in a request of its own\.$"
    with pytest.raises(InvalidRequest, match=found):
        sent(file_part(), part("note", "x"), file_part(name="cover"))


def test_an_input_in_which_no_file_was_chosen_does_not_count() -> None:
    nothing = part("other", b"", more='; filename=""', media_type="application/octet-stream")
    assert sent(nothing, file_part()) == AUDIO


def test_names_from_strangers_are_shown_in_part() -> None:
    with pytest.raises(InvalidRequest) as caught:
        sent(*(part("x" * 1_000, "") for _ in range(MAX_PARTS)))
    assert len(caught.value.detail) < 600


def test_too_many_parts_are_refused_before_all_of_them_came() -> None:
    parts = [part(f"field_{n}", "") for n in range(MAX_PARTS + 2)]
    client = Client(*parts, form())
    with pytest.raises(InvalidRequest, match=f"more than {MAX_PARTS} parts"):
        receive(client, FORM)
    assert client.taken == MAX_PARTS + 1


@pytest.mark.parametrize("charset", ["punycode", "utf-16", "nonsense"])
def test_the_charset_that_a_client_names_is_not_heeded(charset: str) -> None:
    client = Client(form(part("note-", "naïve" * 1_000), file_part()))
    assert receive(client, f"{FORM}; charset={charset}").fields[0] == ("note-", "naïve" * 1_000)


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", form(file_part())),
        ("multipart/form-data; boundary=other", form(file_part())),
        (f"multipart/form-data; boundary={'x' * 1_000}", form(file_part())),
        (FORM, b"this is no form"),
        (FORM, f"--{BOUNDARY}\r\nno header at all\r\n\r\n".encode()),
        (FORM, form(b"--boundary\r\nContent-Disposition: form-data\r\n\r\nx\r\n")),
        (FORM, form(b"--boundary\r\n\r\nx\r\n")),
        (FORM, form(file_part())[:5_000]),
        (FORM, b""),
    ],
    ids=[
        "no boundary",
        "other boundary",
        "long boundary",
        "no form",
        "no header",
        "no name",
        "no disposition",
        "cut off",
        "empty",
    ],
)
def test_a_broken_form_is_invalid(content_type: str, body: bytes) -> None:
    with pytest.raises(InvalidRequest, match=r"form cannot be read.*-F file=@song\.mp3"):
        receive(Client(body), content_type)


@pytest.mark.parametrize("text", ["", "hello", "naïve", "a\tb\r\n", "ä" * HEAD_BYTES])
def test_text_is_told_from_audio(text: str) -> None:
    data = text.encode()
    assert is_text(data)
    assert is_text(b"x" + data)  # where the head ends in the middle of a character


@pytest.mark.parametrize(
    "data", [b"RIFF\x24\0\0\0WAVE", b"\xff\xfb\x90\x64", b"ID3\x03\0", b"OggS\0", b"caf\xe9"]
)
def test_audio_is_no_text(data: bytes) -> None:
    assert not is_text(data)


def test_a_form_is_let_go_of_with_its_request(monkeypatch: pytest.MonkeyPatch) -> None:
    held = []

    class Watched(form_parts.Part):
        def __init__(self) -> None:
            super().__init__()
            held.append(weakref.ref(self))

    monkeypatch.setattr(form_parts, "Part", Watched)
    gc.disable()  # which breaks circles, but too late for the next upload
    try:
        assert sent(part("file", AUDIO)) == AUDIO
    finally:
        gc.enable()

    assert [reference() for reference in held] == [None]
