"""Walk the chunks of a WAV file, and mend those that recorders and editors left half written."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

RIFF_HEADER_BYTES = 12
CHUNK_HEADER_BYTES = 8
STREAMED_BYTES = 0x7FFF0000  # writers that cannot seek back state this length or a larger one
EXTENSIBLE = 0xFFFE
_FORM = struct.Struct("<HHIIHH")  # codec, channels, rate, bytes a second, of a frame, bits
# What may follow the samples; anything else behind a chunk of no length is the samples.
CHUNK_NAMES = frozenset(
    b"LIST fmt  fact data JUNK junk PAD  FLLR bext iXML cue  smpl inst plst PEAK id3  ID3  "
    b"_PMX afsp axml chna ds64 cart levl umid note labl ltxt acid strc minf elm1 regn DISP".split()
) | {name.ljust(4) for name in (b"fmt", b"PAD", b"cue", b"id3", b"ID3")}


# Numbers of codecs, as registered for WAV files, by what reads them. Of AAC, raw frames without
# the headers of a stream cannot be told apart by any reader.
MPEG_CODECS = frozenset({0x50, 0x55})
AAC_CODECS = frozenset({0xFF, 0x1600, 0x1601, 0x1602, 0x1610, 0x706D, 0xA106})
STREAMS = MPEG_CODECS | AAC_CODECS
# PCM, floating point, ADPCM, A-law, u-law, GSM 6.10, G.721, NMS, WMA, AC-3
READ_CODECS = frozenset({1, 2, 3, 6, 7, 0x11, 0x31, 0x38, 0x40, 0x160, 0x161, 0x162, 0x2000})
_CODEC_NAMES = {
    0x08: "DTS", 0x22: "TrueSpeech", 0x42: "G.723.1", 0x64: "G.726", 0x83: "G.729",
    0x130: "Sipro", 0x270: "ATRAC3", 0x674F: "Vorbis", 0x6750: "Vorbis", 0x6771: "Vorbis",
    0x2001: "DTS", 0xF1AC: "FLAC", 0x5756: "WavPack", 0x1608: "AMR", 0x57: "AMR", 0x58: "AMR",
}  # fmt: skip


# Where the length stands by the first bytes of a file, and in how many bytes.
_LENGTH_AT = {
    b"RIFF": (4, 4),
    b"FORM": (4, 4),
    b"RF64": (20, 8),
    b"BW64": (20, 8),
    b"riff": (16, 8),  # of a W64, behind the 16 bytes of its name
    b".snd": (8, 4),
    b"dns.": (8, 4),
}


@dataclass(frozen=True)
class Chunk:
    """One chunk: its name, where its content begins, and how long it says and proves to be."""

    name: bytes
    begin: int
    stated_bytes: int
    n_bytes: int


@dataclass(frozen=True)
class Form:
    """What a WAV file says of its samples.

    Attributes
    ----------
    codec
        Its number, as registered for WAV files.
    channels, rate_hz, frame_bytes, bits
        Of one sample of all channels the bytes, and of one of one channel the bits.
    """

    codec: int
    channels: int
    rate_hz: int
    frame_bytes: int
    bits: int


@dataclass(frozen=True)
class Wav:
    """What is in a WAV file.

    Attributes
    ----------
    form
        The form of the samples; None where no chunk tells it.
    chunks
        All chunks in order.
    data
        The chunks that hold the samples.
    """

    form: Form | None
    chunks: tuple[Chunk, ...]
    data: tuple[Chunk, ...]

    @property
    def codec(self) -> int | None:
        """Number of the codec; None where no chunk tells it."""
        return None if self.form is None else self.form.codec

    @property
    def is_regular(self) -> bool:
        """Whether every reader finds the samples where they are."""
        data = self.data[0]
        padded = all(
            after.begin - CHUNK_HEADER_BYTES == chunk.begin + chunk.n_bytes + chunk.n_bytes % 2
            for chunk, after in zip(self.chunks, self.chunks[1:], strict=False)
        )
        return len(self.data) == 1 and padded and (data.stated_bytes > 0 or data.n_bytes == 0)


def read_wav(content: bytes) -> Wav:
    """Find the chunks of a WAV file (RIFF, RF64 or BW64); none in one of the other byte order."""
    if content[:4] == b"RIFX":
        return Wav(None, (), ())
    chunks = tuple(_chunks(content))
    samples = tuple(chunk for chunk in chunks if chunk.name == b"data")
    told = next((c for c in chunks if c.name == b"fmt " and c.n_bytes >= 16), None)
    return Wav(None if told is None else _form(content, told), chunks, samples)


def codec_name(codec: int) -> str:
    """Return a codec's name, or its number where it has none here."""
    return "AAC" if codec in AAC_CODECS else _CODEC_NAMES.get(codec, f"number 0x{codec:04x}")


def samples_of(content: bytes, wav: Wav) -> bytes:
    """Return the content of all chunks of samples, joined."""
    return b"".join(content[c.begin : c.begin + c.n_bytes] for c in wav.data)


def mended(content: bytes, wav: Wav) -> bytes:
    """Return a file that every reader can follow; the same bytes where nothing is amiss."""
    if not wav.data or wav.is_regular:
        return content
    samples = samples_of(content, wav)
    described = b"".join(
        _written(chunk.name, content[chunk.begin : chunk.begin + chunk.n_bytes])
        for chunk in wav.chunks
        if chunk.name in (b"fmt ", b"fact")
    )
    body = b"WAVE" + described + _written(b"data", samples)
    return _written(b"RIFF", body)


def is_cut_off(content: bytes, share: float) -> bool:
    """Tell whether a WAV, AIFF, AU or W64 file has less than a share of the bytes it states."""
    stated_bytes = _stated_bytes(content)
    return len(content) < share * stated_bytes and stated_bytes < STREAMED_BYTES


def _stated_bytes(content: bytes) -> int:
    """Return how long a file says it is; 0 where it does not."""
    order: Literal["little", "big"] = "big" if content[:4] in (b"FORM", b".snd") else "little"
    at, n_bytes = _LENGTH_AT.get(content[:4], (0, 0))
    length = int.from_bytes(content[at : at + n_bytes], order)
    if content[:4] in (b".snd", b"dns."):  # the length of the samples alone
        length += int.from_bytes(content[4:8], order)
    return length


def _form(content: bytes, told: Chunk) -> Form:
    codec, channels, rate_hz, _, frame_bytes, bits = _FORM.unpack_from(content, told.begin)
    if codec == EXTENSIBLE and told.n_bytes >= 26:
        codec = int.from_bytes(content[told.begin + 24 : told.begin + 26], "little")
    return Form(codec, channels, rate_hz, frame_bytes, bits)


def _chunks(content: bytes) -> Iterator[Chunk]:
    at, end = RIFF_HEADER_BYTES, len(content)
    while at + CHUNK_HEADER_BYTES <= end:
        name = content[at : at + 4]
        stated = int.from_bytes(content[at + 4 : at + 8], "little")
        begin = at + CHUNK_HEADER_BYTES
        n_bytes = min(stated, end - begin)
        # The length is written last; a recorder that crashed left none.
        if name == b"data" and stated == 0 and content[begin : begin + 4] not in CHUNK_NAMES:
            n_bytes = end - begin
        yield Chunk(name, begin, stated, n_bytes)
        at = begin + n_bytes
        # A chunk of odd length is padded, but not by every writer.
        if n_bytes % 2 and content[at : at + 4] not in CHUNK_NAMES:
            at += 1


def _written(name: bytes, content: bytes) -> bytes:
    length = min(len(content), 0xFFFFFFFF).to_bytes(4, "little")
    return name + length + content + bytes(len(content) % 2)
