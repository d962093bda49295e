"""Undo the ``Content-Encoding`` of a body while it arrives, never beyond a limit."""

import zlib
from collections.abc import AsyncGenerator, AsyncIterable

from service.errors import InvalidRequest, UnsupportedEncoding

GZIP_BITS = 16 + zlib.MAX_WBITS
# What comes out of the decoder at once, however small the bytes that went in.
STEP_BYTES = 1 << 18
_NONE = ("", "identity")
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
    inflater = None
    async for chunk in chunks:
        if not chunk:
            continue
        if inflater is None:
            inflater = zlib.decompressobj(_window_bits(name, chunk))
        inflated = _inflate(inflater, chunk, name)
        yield inflated
        # When a step was too small, input is left, or output that is still inside.
        while inflater.unconsumed_tail or len(inflated) == STEP_BYTES:
            inflated = _inflate(inflater, inflater.unconsumed_tail, name)
            yield inflated
    if inflater is not None and not inflater.eof:
        raise InvalidRequest(f"The body ends before its {name} data does. Send all of it.")


def _window_bits(name: str, head: bytes) -> int:
    if name != "deflate":
        return GZIP_BITS
    return zlib.MAX_WBITS if head[0] & 0x0F == _ZLIB_METHOD else -zlib.MAX_WBITS


def _inflate(inflater: "zlib._Decompress", data: bytes, name: str) -> bytes:
    try:
        inflated = inflater.decompress(data, STEP_BYTES)
    except zlib.error as error:
        raise InvalidRequest(
            f"The body is no {name} data, as its Content-Encoding says. Leave that header out, or "
            "compress the body."
        ) from error
    if inflater.unused_data:
        raise InvalidRequest(f"The body goes on behind the end of its {name} data.")
    return inflated
