"""Receive an upload: a multipart form or a raw audio body, never more than the limit."""

from collections.abc import AsyncGenerator, Callable
from typing import Any

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from service.errors import ClientLeft, InvalidRequest, TooManyBytes, UnsupportedAudio

FILE_FIELD = "file"
# Boundaries and part headers of a form with one file, beyond the file itself.
FORM_OVERHEAD_BYTES = 64 * 1024
# Of the fields beside the file, which are ignored. Their client names the charset to read them
# in, and some take a time that grows with the square of the bytes: minutes for a megabyte.
MAX_FIELD_BYTES = 4096
RAW_MEDIA_TYPES = ("audio/", "application/octet-stream", "application/ogg")

REQUEST_BODY: dict[str, Any] = {
    "required": True,
    "description": "The audio file: as a form, or its bytes as the body.",
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": [FILE_FIELD],
                "properties": {
                    FILE_FIELD: {
                        "type": "string",
                        "format": "binary",
                        "description": "WAV, MP3, FLAC, OGG Vorbis, Opus or AIFF",
                    }
                },
            }
        },
        "audio/*": {"schema": {"type": "string", "format": "binary"}},
    },
}


Progress = Callable[[int], None]


async def receive_audio(request: Request, max_bytes: int, progress: Progress) -> bytes:
    """Return the bytes of the uploaded file.

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
        The content type is neither a form nor audio.
    InvalidRequest
        The form is broken or has no file.
    ClientLeft
        The connection ended before the upload.
    """
    content_type = request.headers.get("content-type", "").lower()
    try:
        if content_type.startswith("multipart/form-data"):
            return await _receive_form(request, max_bytes, progress)
        if content_type.startswith(RAW_MEDIA_TYPES):
            return b"".join([chunk async for chunk in _bounded(request, max_bytes, progress)])
    except ClientDisconnect:
        raise ClientLeft("The client closed the connection during the upload.") from None
    raise UnsupportedAudio(
        f"The content type {content_type or '(none)'!r} is not accepted. Send a multipart form "
        f"with the field {FILE_FIELD!r}, or the bytes with an audio/* content type."
    )


async def _receive_form(request: Request, max_bytes: int, progress: Progress) -> bytes:
    stream = _bounded(request, max_bytes, progress, FORM_OVERHEAD_BYTES)
    parser = MultiPartParser(
        request.headers, stream, max_files=1, max_fields=8, max_part_size=MAX_FIELD_BYTES
    )
    # The whole upload is bounded, so it stays in memory and nothing is left on disk.
    parser.spool_max_size = max_bytes + FORM_OVERHEAD_BYTES
    try:
        form = await parser.parse()
    except (MultiPartException, KeyError, ValueError) as error:
        reason = getattr(error, "message", None) or str(error)
        raise InvalidRequest(f"The form cannot be read: {reason}") from error
    try:
        upload = form.get(FILE_FIELD)
        if not isinstance(upload, UploadFile):
            raise InvalidRequest(f"The form has no file in the field {FILE_FIELD!r}.")
        data = await upload.read()
    finally:
        await form.close()
    if len(data) > max_bytes:
        raise _too_many(max_bytes)
    return data


async def _bounded(
    request: Request, max_bytes: int, progress: Progress, overhead_bytes: int = 0
) -> AsyncGenerator[bytes, None]:
    stated = request.headers.get("content-length", "")
    if stated.isdigit() and int(stated) > max_bytes + overhead_bytes:
        raise _too_many(max_bytes)
    received = 0
    async for chunk in request.stream():
        received += len(chunk)
        progress(len(chunk))
        if received > max_bytes + overhead_bytes:
            raise _too_many(max_bytes)
        yield chunk


def _too_many(max_bytes: int) -> TooManyBytes:
    return TooManyBytes(
        f"The upload exceeds {max_bytes} bytes. Send a shorter clip or a compressed format."
    )
