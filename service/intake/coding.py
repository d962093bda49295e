"""Undo the ``Content-Encoding`` of a body while it arrives, never beyond a limit."""

import zlib
from collections.abc import AsyncGenerator, AsyncIterable, Iterator

from service.errors import InvalidRequest, UnsupportedEncoding

GZIP_BITS = 16 + zlib.MAX_WBITS
# What comes out of the decoder at once, however small the bytes that went in.
STEP_BYTES = 1 << 18
_NONE = ("", "identity")
# A tool that compresses piece by piece makes a member of each; so many are no file of audio.
MAX_MEMBERS = 1_000
_GZIP_START = b"\x1f"
# The first half byte of a zlib stream; without it, deflate is sent bare, as some clients do.
_ZLIB_METHOD = 8


async def undo_coding(coding: str, chunks: AsyncIterable[bytes]) -> AsyncGenerator[bytes, None]:
    """Yield the bytes of a body as they were before their coding.

    Parameters
    ----------
    coding
        The value of the header ``Content-Encoding``, empty where there is none.
    chunks
        The body.

    Raises
    ------
    UnsupportedEncoding
        The coding is none of those that are understood.
    InvalidRequest
        The body is not what its coding says.
    """
    name = coding.strip().lower()
    if name in _NONE:
        async for chunk in chunks:
            yield chunk
        return
    if name not in ("gzip", "x-gzip", "deflate"):
        raise UnsupportedEncoding(
            f"The Content-Encoding {coding[:40]!r} is not understood. Send the file as it is, or "
            "with gzip or deflate."
        )
    members = _Members(name)
    async for chunk in chunks:
        for inflated in members.inflated(chunk):
            yield inflated
    members.check_end()


class _Members:
    """Compressed data, of which gzip may hold several behind each other (RFC 1952, 2.2)."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._inflater: zlib._Decompress | None = None
        self._n_members = 0

    def inflated(self, data: bytes) -> Iterator[bytes]:
        """Yield what the next bytes hold, step by step."""
        while data:
            inflater = self._inflater
            if inflater is None or inflater.eof:
                data = self._behind_padding(data)
                if not data:
                    return
                inflater = self._inflater = zlib.decompressobj(_window_bits(self._name, data))
                self._n_members += 1
            inflated = _inflate(inflater, data, self._name)
            yield inflated
            # When a step was too small, input is left, or output that is still inside.
            while inflater.unconsumed_tail or len(inflated) == STEP_BYTES:
                inflated = _inflate(inflater, inflater.unconsumed_tail, self._name)
                yield inflated
            data = inflater.unused_data

    def check_end(self) -> None:
        if self._inflater is not None and not self._inflater.eof:
            raise InvalidRequest(
                f"The body ends before its {self._name} data does. Send all of it."
            )

    def _behind_padding(self, data: bytes) -> bytes:
        """Return the beginning of a member; nothing where only zeros follow the one before."""
        if self._inflater is None:
            return data
        data = data.lstrip(b"\0")
        goes_on = self._name != "deflate" and data[:1] == _GZIP_START
        if data and not (goes_on and self._n_members < MAX_MEMBERS):
            raise InvalidRequest(f"The body goes on behind the end of its {self._name} data.")
        return data


def _window_bits(name: str, head: bytes) -> int:
    if name != "deflate":
        return GZIP_BITS
    return zlib.MAX_WBITS if head[0] & 0x0F == _ZLIB_METHOD else -zlib.MAX_WBITS


def _inflate(inflater: "zlib._Decompress", data: bytes, name: str) -> bytes:
    try:
        return inflater.decompress(data, STEP_BYTES)
    except zlib.error as error:
        raise InvalidRequest(
            f"The body is no {name} data, as its Content-Encoding says. Leave that header out, or "
            "compress the body."
        ) from error
