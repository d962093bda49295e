"""Walk the chunks of a WAV file, and mend those that recorders and editors left half written."""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace

from service.audio import mpeg

RIFF_HEADER_BYTES = 12
CHUNK_HEADER_BYTES = 8
EXTENSIBLE = 0xFFFE
SUBFORM_AT = 24  # in an extensible form, where the number of the codec stands
LONG = 0xFFFFFFFF  # stands in RF64 and BW64 where the chunk "ds64" tells the length
LONG_MARKS = (b"RF64", b"BW64")
PCM = 1
MOST_BITS = 64  # of a sample
MOST_PADDED_BYTES = 4  # of a sample that does not need them all
SHORT_FORM_BYTES = 14  # of the first form, which told no bits
MOST_CHUNKS = 10_000  # looked at before giving up, as a file of nothing else takes long
GOES_ON_SHARE = 0.05  # of the samples so far; less may be any bytes at the end
# Of a chunk, maybe behind a pad byte, and its length.
_NAME = re.compile(rb"\x00?([A-Za-z0-9_ ]{4})([\x00-\xff]{4})", re.DOTALL)
_FORM = struct.Struct("<HHIIHH")  # codec, channels, rate, bytes a second, of a frame, bits
# What may follow the samples; anything else behind a chunk of no length is the samples.
CHUNK_NAMES = frozenset(
    name.ljust(4)
    for name in (
        b"LIST fmt fact data JUNK junk PAD FLLR bext iXML cue smpl inst plst PEAK id3 ID3 _PMX "
        b"afsp axml chna ds64 cart levl umid note labl ltxt acid strc minf elm1 regn DISP"
    ).split()
)
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
    0x14: "G.723", 0x20: "Yamaha ADPCM", 0x45: "G.726", 0x65: "G.722", 0x28F: "G.722",
    0x704F: "Opus", 0xA109: "Speex",
}  # fmt: skip


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

    @property
    def packed(self) -> bytes:
        """The form as it stands in a file."""
        n_bytes = min(self.rate_hz * self.frame_bytes, 0xFFFFFFFF)
        return _FORM.pack(
            self.codec, self.channels, self.rate_hz, n_bytes, self.frame_bytes, self.bits
        )


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
    form_is_whole
        Whether the chunk says all of the form, and nothing had to be concluded.
    """

    form: Form | None
    chunks: tuple[Chunk, ...]
    data: tuple[Chunk, ...]
    form_is_whole: bool = True

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
        return len(self.data) == 1 and padded and data.n_bytes <= data.stated_bytes


def read_wav(content: bytes) -> Wav:
    """Find the chunks of a WAV file (RIFF, RF64 or BW64); none in one of the other byte order."""
    if content[:4] == b"RIFX":
        return Wav(None, (), ())
    chunks = tuple(_chunks(content))
    samples = tuple(chunk for chunk in chunks if chunk.name == b"data")
    told = next((c for c in chunks if c.name == b"fmt " and c.n_bytes >= SHORT_FORM_BYTES), None)
    if told is None:
        return Wav(None, chunks, samples)
    form = _form(content, told)
    wav = Wav(form, chunks, samples)
    if form.codec == PCM and form.channels:
        bits = 8 * form.frame_bytes // form.channels
        if bits <= MOST_BITS and (form.bits == 0 or _is_padded(content, wav, form)):
            return replace(wav, form=replace(form, bits=bits), form_is_whole=False)
    return wav


def codec_name(codec: int) -> str:
    """Return a codec's name, or its number where it has none here."""
    return "AAC" if codec in AAC_CODECS else _CODEC_NAMES.get(codec, f"number 0x{codec:04x}")


def samples_of(content: bytes, wav: Wav) -> bytes:
    """Return the content of all chunks of samples, joined."""
    return b"".join(content[c.begin : c.begin + c.n_bytes] for c in wav.data)


def mended(content: bytes, wav: Wav) -> bytes:
    """Return a file that every reader can follow; the same bytes where nothing is amiss."""
    if not wav.data or (wav.is_regular and wav.form_is_whole):
        return content
    samples = samples_of(content, wav)
    described = b"".join(
        _written(chunk.name, content[chunk.begin : chunk.begin + chunk.n_bytes])
        for chunk in wav.chunks
        if chunk.name == b"fact" or (chunk.name == b"fmt " and wav.form_is_whole)
    )
    if wav.form is not None and not wav.form_is_whole:
        described = _written(b"fmt ", wav.form.packed) + described
    body = b"WAVE" + described + _written(b"data", samples)
    return _written(b"RIFF", body)


def _form(content: bytes, told: Chunk) -> Form:
    fields = content[told.begin : told.begin + told.n_bytes][: _FORM.size].ljust(_FORM.size, b"\0")
    codec, channels, rate_hz, _, frame_bytes, bits = _FORM.unpack(fields)
    if codec == EXTENSIBLE and told.n_bytes >= SUBFORM_AT + 2:
        at = told.begin + SUBFORM_AT
        codec = int.from_bytes(content[at : at + 2], "little")
    return Form(codec, channels, rate_hz, frame_bytes, bits)


def _is_padded(content: bytes, wav: Wav, form: Form) -> bool:
    """Tell whether samples have more bytes than their bits need: the lowest, which are zeros.

    Others say so of samples that have none to spare.
    """
    n_bytes, rest = divmod(form.frame_bytes, form.channels)
    n_spare = n_bytes - (form.bits + 7) // 8
    if rest or not 0 < n_spare < n_bytes <= MOST_PADDED_BYTES:
        return False
    samples = samples_of(content, wav)
    return not any(samples[place::n_bytes].strip(b"\0") for place in range(n_spare))


def _chunks(content: bytes) -> Iterator[Chunk]:
    at, end = RIFF_HEADER_BYTES, len(content)
    long_bytes = 0  # of the samples, where four bytes are too few to tell
    for _ in range(MOST_CHUNKS):
        if at + CHUNK_HEADER_BYTES > end:
            break
        name = content[at : at + 4]
        stated = int.from_bytes(content[at + 4 : at + 8], "little")
        begin = at + CHUNK_HEADER_BYTES
        if name == b"ds64":
            long_bytes = int.from_bytes(content[begin + 8 : begin + 16], "little")
        elif name == b"data" and stated == LONG and content[:4] in LONG_MARKS:
            stated = long_bytes
        n_bytes = min(stated, end - begin)
        if name == b"data" and _goes_on(content, begin, n_bytes):
            n_bytes = end - begin
        yield Chunk(name, begin, stated, n_bytes)
        at = begin + n_bytes
        # A chunk of odd length is padded, but not by every writer.
        if n_bytes % 2 and content[at : at + 4] not in CHUNK_NAMES:
            at += 1


def _goes_on(content: bytes, begin: int, n_bytes: int) -> bool:
    """Tell whether samples go on behind the length that is stated.

    The length is written last; a recorder that crashed left none, or that of what it had by then.
    """
    end = begin + n_bytes
    if n_bytes == 0:
        return content[end : end + 4] not in CHUNK_NAMES
    n_left = len(content) - end
    named = _NAME.match(content, end)
    is_chunk = named is not None and int.from_bytes(named[2], "little") <= n_left
    if n_left <= GOES_ON_SHARE * n_bytes or is_chunk:  # before what looks at all that is left
        return False
    is_padding = content.count(b"\0", end) == n_left
    return not (is_padding or mpeg.begins_at(content, end))


def _written(name: bytes, content: bytes) -> bytes:
    length = min(len(content), 0xFFFFFFFF).to_bytes(4, "little")
    return name + length + content + bytes(len(content) % 2)
