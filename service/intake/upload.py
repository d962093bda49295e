"""Receive an upload: a multipart form or the audio as the body, never more than the limit."""

from collections.abc import AsyncGenerator, AsyncIterable, Callable
from dataclasses import dataclass

from starlette.requests import ClientDisconnect, Request

from service.errors import ClientLeft, TooManyBytes, UnsupportedAudio, UnusableAudio
from service.intake.coding import undo_coding
from service.intake.form import Fields, is_text, receive_form

FILE_FIELD = "file"
MB = 1_000_000
# Boundaries, part headers and fields of a form with one file, beyond the file itself.
FORM_OVERHEAD_BYTES = 64 * 1024
# Media types of a body that is audio, as the OpenAPI document lists them: makers of clients know
# of no audio/*, which is taken all the same.
MEDIA_TYPES = (
    "audio/wav",
    "audio/x-wav",
    "audio/mpeg",
    "audio/flac",
    "audio/ogg",
    "audio/opus",
    "audio/mp4",
    "audio/aac",
    "audio/webm",
    "audio/aiff",
    "audio/x-aiff",
    "video/mp4",
    "video/webm",
    "application/ogg",
    "application/octet-stream",
)
_FORM = "multipart/form-data"
_URL_ENCODED = "application/x-www-form-urlencoded"  # what curl writes by itself
SOME_BYTES = 4096  # of which each value is among those of audio, but for one in 10^20 files
_HOW_TO_SEND = (
    "Send the file in a multipart form, with curl -F file=@song.mp3, or its bytes as the body with "
    "a content type such as audio/mpeg."
)
# Audio whatever the bytes are; then those of clients that do not know what they send: their first
# bytes tell.
_AUDIO = ("audio/", "video/", "application/ogg", "application/mp4")
_UNTOLD = ("", "binary/octet-stream")
_UNTOLD_KIND = "application/"  # such as octet-stream, x-flac, or that of curl
_TEXTS = ("json", "xml", "javascript")

Progress = Callable[[int], None]


@dataclass(frozen=True)
class Upload:
    """What a client sent: the bytes of a file, and the fields of the form around it.

    They stay where they were gathered, as a copy would hold up the event loop.
    """

    data: bytearray
    fields: Fields = ()


async def receive_upload(request: Request, max_bytes: int, progress: Progress) -> Upload:
    """Return the uploaded file and what stands beside it.

    Parameters
    ----------
    request
        Whose body is received.
    max_bytes
        The largest file that is accepted.
    progress
        Called with the number of bytes of each chunk that comes.

    Raises
    ------
    TooManyBytes
        The upload exceeds ``max_bytes``; the rest of it is not read.
    UnsupportedAudio
        The body is neither a form nor audio.
    UnusableAudio
        The body is empty, or curl has broken it.
    UnsupportedEncoding
        The body is compressed with something else than gzip or deflate.
    InvalidRequest
        The form is broken, or holds no file or several.
    ClientLeft
        The connection ended before the upload.
    """
    content_type = request.headers.get("content-type", "")
    media_type = content_type.partition(";")[0].strip().lower()
    is_form = media_type == _FORM
    is_audio = media_type.startswith(_AUDIO)
    if not (is_form or is_audio or _is_untold(media_type)):
        raise _no_audio(f"of the content type {content_type[:80]!r}")
    max_body_bytes = max_bytes + (FORM_OVERHEAD_BYTES if is_form else 0)
    try:
        chunks = _decoded(request, max_bytes, max_body_bytes, progress)
        if is_form:
            upload = Upload(*await receive_form(content_type, chunks))
        else:
            data = bytearray()
            async for chunk in chunks:
                data += chunk
            upload = Upload(data)
    except ClientDisconnect:
        raise ClientLeft("The client closed the connection during the upload.") from None
    if len(upload.data) > max_bytes:
        raise _too_many(max_bytes)
    if not is_form and not upload.data:
        raise UnusableAudio(f"The body is empty. {_HOW_TO_SEND}")
    if not (is_form or is_audio) and is_text(upload.data):
        raise _no_audio("text")
    if media_type == _URL_ENCODED and _lacks_bytes(upload.data):
        raise UnusableAudio(
            "The body holds no line end and no zero byte: curl -d takes them out of a file, and "
            "what is left is broken. Send it with -F file=@song.mp3, or --data-binary @song.mp3."
        )
    return upload


def _lacks_bytes(data: bytes | bytearray) -> bool:
    """Tell whether bytes are missing that no audio of some length is without."""
    return len(data) >= SOME_BYTES and not any(byte in data for byte in (b"\n", b"\r", b"\0"))


def _is_untold(media_type: str) -> bool:
    """Tell whether a media type says nothing of what is sent."""
    if media_type in _UNTOLD:
        return True
    return media_type.startswith(_UNTOLD_KIND) and not media_type.endswith(_TEXTS)


async def _decoded(
    request: Request, max_bytes: int, max_body_bytes: int, progress: Progress
) -> AsyncGenerator[bytes, None]:
    """Yield the body without its content coding, bounded before and behind that."""
    stated = request.headers.get("content-length", "")
    if stated.isdigit() and int(stated) > max_body_bytes:
        raise _too_many(max_bytes)
    arriving = _arriving(request, max_bytes, max_body_bytes, progress)
    coding = request.headers.get("content-encoding", "")
    async for chunk in _bounded(undo_coding(coding, arriving), max_bytes, max_body_bytes):
        yield chunk


async def _arriving(
    request: Request, max_bytes: int, max_body_bytes: int, progress: Progress
) -> AsyncGenerator[bytes, None]:
    async for chunk in _bounded(request.stream(), max_bytes, max_body_bytes):
        progress(len(chunk))
        yield chunk


async def _bounded(
    chunks: AsyncIterable[bytes], max_bytes: int, max_body_bytes: int
) -> AsyncGenerator[bytes, None]:
    received = 0
    async for chunk in chunks:
        received += len(chunk)
        if received > max_body_bytes:
            raise _too_many(max_bytes)
        yield chunk


def _no_audio(what: str) -> UnsupportedAudio:
    return UnsupportedAudio(f"The body is {what}, not audio. {_HOW_TO_SEND}")


def _too_many(max_bytes: int) -> TooManyBytes:
    return TooManyBytes(
        f"The upload exceeds {shown_size(max_bytes)}. Send a shorter clip, or a compressed format "
        "such as MP3."
    )


def shown_size(n_bytes: int) -> str:
    """Write a size for people: in MB of a million bytes, as file managers do, or in kB."""
    return f"{n_bytes / MB:.3g} MB" if n_bytes >= MB else f"{n_bytes / 1e3:.3g} kB"
