"""Mend a W64 whose codec libsndfile does not find."""

from service.audio.riff import EXTENSIBLE, PCM, SUBFORM_AT

# The name of the form, and how far behind its beginning the content begins.
_FORM = b"fmt \xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a"
_CHUNK_HEADER_BYTES = 24


def with_own_codec(content: bytes) -> bytes:
    """Return a W64 that names the codec of its samples where libsndfile looks for it.

    Of an extensible form, it looks at the bits alone, and takes floats and A-law for integers.
    """
    form = content.find(_FORM) if content[:4] == b"riff" else -1
    at, told = form + _CHUNK_HEADER_BYTES, form + _CHUNK_HEADER_BYTES + SUBFORM_AT
    is_extensible = content[at : at + 2] == EXTENSIBLE.to_bytes(2, "little")
    codec = content[told : told + 2]
    if form < 0 or not is_extensible or codec == PCM.to_bytes(2, "little"):
        return content
    return content[:at] + codec + content[at + 2 :]
