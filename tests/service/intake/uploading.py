"""Send a body to what receives uploads, chunk by chunk, and write forms by hand."""

import asyncio

from starlette.requests import Request
from starlette.types import Message

from service.intake.upload import Upload, receive_upload

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


def receive(
    client: Client,
    content_type: str | None,
    *,
    length: int | str | None = None,
    coding: str | None = None,
) -> Upload:
    """Receive what a client sends, at most ``LIMIT_BYTES``."""
    stated = {"content-type": content_type, "content-length": length, "content-encoding": coding}
    headers = [(k.encode(), str(v).encode()) for k, v in stated.items() if v is not None]
    request = Request({"type": "http", "method": "POST", "headers": headers}, client.receive)
    return asyncio.run(receive_upload(request, LIMIT_BYTES, client.told.append))


def part(name: str, data: bytes | str, *, more: str = "", media_type: str | None = None) -> bytes:
    """Write one part of a form; ``more`` ends its Content-Disposition."""
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{more}\r\n'
    if media_type is not None:
        head += f"Content-Type: {media_type}\r\n"
    content = data.encode() if isinstance(data, str) else data
    return head.encode() + b"\r\n" + content + b"\r\n"


def form(*parts: bytes) -> bytes:
    """Write a form."""
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


def file_part(data: bytes = AUDIO, *, name: str = "file") -> bytes:
    """Write the part of a file as most clients do."""
    return part(name, data, more='; filename="clip.wav"', media_type="audio/wav")
