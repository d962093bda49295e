import numpy as np
import pytest

from service.errors import ClientLeft, TooManyBytes, UnsupportedAudio, UnusableAudio
from service.intake.upload import FORM_OVERHEAD_BYTES, MEDIA_TYPES, SOME_BYTES, shown_size
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

UNTOLD = [None, "", "application/octet-stream", "application/x-www-form-urlencoded"]


@pytest.mark.parametrize(
    "content_type", [*UNTOLD, *MEDIA_TYPES, "AUDIO/MPEG", "audio/flac; rate=44100", "audio/x-new"]
)
def test_a_raw_body_is_received_as_it_is(content_type: str | None) -> None:
    upload = receive(Client(AUDIO[:3_000], AUDIO[3_000:]), content_type)
    assert upload.data == AUDIO
    assert list(upload.fields) == []


@pytest.mark.parametrize("content_type", UNTOLD)
@pytest.mark.parametrize("text", ["file=clip.wav", "{}", "naïve\n" * 200])
def test_text_is_no_audio_where_the_content_type_does_not_tell(
    content_type: str | None, text: str
) -> None:
    with pytest.raises(UnsupportedAudio, match=r"is text, not audio.*-F file=@song\.mp3"):
        receive(Client(text.encode()), content_type)


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/json", "image/png", "multipart/mixed", "nonsense"]
)
def test_another_content_type_is_refused_unread(content_type: str) -> None:
    client = Client(AUDIO)
    with pytest.raises(UnsupportedAudio, match=f"content type '{content_type}'"):
        receive(client, content_type)
    assert client.taken == 0


@pytest.mark.parametrize("content_type", [*UNTOLD, "audio/wav"])
def test_without_a_body_it_is_told_how_to_send_one(content_type: str | None) -> None:
    with pytest.raises(UnusableAudio, match=r"body is empty\. Send .* -F file=@song\.mp3"):
        receive(Client(b""), content_type)


def test_an_empty_file_of_a_form_is_received_as_no_bytes() -> None:
    assert receive(Client(form(file_part(b""))), FORM).data == b""


def test_what_curl_breaks_with_its_plain_option_is_told() -> None:
    url_encoded = "application/x-www-form-urlencoded"
    audio = np.random.default_rng(0).bytes(SOME_BYTES + 200)
    as_curl_sends_it = audio.translate(None, b"\r\n\0")
    assert receive(Client(audio), url_encoded).data == audio
    assert receive(Client(as_curl_sends_it), "audio/mpeg").data == as_curl_sends_it
    with pytest.raises(UnusableAudio, match=r"curl -d takes them out.* --data-binary @song\.mp3"):
        receive(Client(as_curl_sends_it), url_encoded)


def test_an_upload_of_exactly_the_limit_is_accepted() -> None:
    data = bytes(LIMIT_BYTES)
    assert receive(Client(data), "audio/wav", length=LIMIT_BYTES).data == data
    assert receive(Client(form(file_part(data))), FORM).data == data


def test_an_upload_that_states_too_much_is_refused_unread() -> None:
    client = Client(AUDIO)
    with pytest.raises(TooManyBytes, match="exceeds 20 kB"):
        receive(client, "audio/wav", length=LIMIT_BYTES + 1)
    assert client.taken == 0


def test_a_form_that_states_too_much_is_refused_unread() -> None:
    client = Client(form(file_part()))
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
    body = form(file_part(bytes(200_000)))
    chunks = [body[i : i + 10_000] for i in range(0, len(body), 10_000)]
    client = Client(*chunks)
    with pytest.raises(TooManyBytes):
        receive(client, FORM)
    assert client.taken == (LIMIT_BYTES + FORM_OVERHEAD_BYTES) // 10_000 + 1


def test_the_file_of_a_form_is_held_to_the_limit_without_the_forms_overhead() -> None:
    with pytest.raises(TooManyBytes):
        receive(Client(form(file_part(bytes(LIMIT_BYTES + 1)))), FORM)


def test_the_fields_of_a_form_come_with_its_file() -> None:
    upload = receive(Client(form(part("top_k", "3"), file_part())), FORM)
    assert upload.data == AUDIO
    assert list(upload.fields) == [("top_k", "3")]


@pytest.mark.parametrize("content_type", ["audio/wav", FORM])
def test_a_client_that_goes_away_has_left(content_type: str) -> None:
    client = Client(form(file_part())[:5_000], disconnects=True)
    with pytest.raises(ClientLeft, match="closed the connection"):
        receive(client, content_type)


def test_progress_is_told_for_each_chunk() -> None:
    client = Client(AUDIO[:3_000], AUDIO[3_000:])
    receive(client, "audio/wav")
    assert [n_bytes for n_bytes in client.told if n_bytes] == [3_000, len(AUDIO) - 3_000]


@pytest.mark.parametrize(
    ("n_bytes", "shown"),
    [(26_214_400, "26.2 MB"), (1_000_000, "1 MB"), (16_384, "16.4 kB"), (64, "0.064 kB")],
)
def test_sizes_are_shown_in_the_units_that_people_know(n_bytes: int, shown: str) -> None:
    assert shown_size(n_bytes) == shown
