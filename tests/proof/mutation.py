"""Break audio files in every way that a stranger might, and in those that a parser fears most.

A file is made from its number alone, so a failure can be made again. Half of the mutations know
the format: they change one field of a header, chunk, block, page or frame, and mend checksums
over it, so that the damage gets past the first check.
"""

import random
import struct
from collections.abc import Callable
from functools import cache

import numpy as np

from tests.audio import ENCODINGS, MUXINGS, Muxing, encode, encode_as, mux, noise, stereo, tone

Mutation = Callable[[bytearray, random.Random], None]

SEED_DURATION_S = 0.6
# Of their frames of up to a second several must be there, or any damage leaves nothing.
LONG_FRAMES = {"tta", "wavpack"}
LONG_FRAMES_DURATION_S = 3.0
MOST_MUTATIONS = 3
OGG_PAGE_HEADER_BYTES = 27
# What parsers compute with and get wrong: nothing, all, signs, and one beyond.
NUMBERS = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


def mutated_file(number: int, seed: int = 0) -> tuple[str, bytes]:
    """Return the format and the bytes of one broken file."""
    rng = random.Random(f"{seed}-{number}")  # noqa: S311  # no secret
    name = rng.choice(sorted(seeds()))
    data = bytearray(rng.choice(seeds()[name]))
    for _ in range(rng.randint(1, MOST_MUTATIONS)):
        mutate = rng.choice((*ANYWHERE, *STRUCTURED[name]))
        mutate(data, rng)
    return name, bytes(data)


@cache
def seeds() -> dict[str, list[bytes]]:
    """Return whole files of every format, mono and stereo, of sound and of silence."""
    files: dict[str, list[bytes]] = {}
    for name, encoding in ENCODINGS.items():
        rate_hz = encoding.rate_hz
        one = tone(440, SEED_DURATION_S, rate_hz=rate_hz)
        other = noise(SEED_DURATION_S, rate_hz=rate_hz)
        waveforms = (one, stereo(one, other), 0 * one)
        files[name] = [encode_as(name, waveform) for waveform in waveforms]
    one = tone(440, SEED_DURATION_S)
    for subtype in ("FLOAT", "DOUBLE", "PCM_24", "PCM_U8", "IMA_ADPCM", "MS_ADPCM", "ULAW"):
        files["wav"].append(encode(one, subtype=subtype))
    files["wav"].append(encode(np.repeat(one[:, None], 8, axis=1), container="WAVEX"))
    files["wav"].append(mux(one, Muxing("wav", "libmp3lame")))
    for container in ("AU", "CAF", "W64"):
        files[container.lower()] = [encode(one, container=container)]
    for name, (_, muxing) in MUXINGS.items():
        duration_s = LONG_FRAMES_DURATION_S if name in LONG_FRAMES else SEED_DURATION_S
        one = tone(440, duration_s, rate_hz=muxing.rate_hz)
        files[name] = [mux(one, muxing)]
    return files


def _cut(data: bytearray, rng: random.Random) -> None:
    del data[rng.randint(0, len(data)) :]


def _flip_bits(data: bytearray, rng: random.Random) -> None:
    for _ in range(rng.choice((1, 4, 64))):
        if data:
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def _flip_early_bits(data: bytearray, rng: random.Random) -> None:
    for _ in range(rng.randint(1, 8)):
        if data:
            data[rng.randrange(min(len(data), 128))] ^= 1 << rng.randrange(8)


def _overwrite(data: bytearray, rng: random.Random) -> None:
    at, length = rng.randint(0, len(data)), rng.choice((1, 16, 512))
    filler = rng.choice((b"\x00", b"\xff", None))
    data[at : at + length] = filler * length if filler else rng.randbytes(length)


def _remove(data: bytearray, rng: random.Random) -> None:
    at = rng.randint(0, len(data))
    del data[at : at + rng.choice((1, 16, 1_000))]


def _repeat(data: bytearray, rng: random.Random) -> None:
    at = rng.randint(0, len(data))
    data[at:at] = data[at : at + rng.choice((4, 100, 4_000))] * rng.choice((1, 5))


def _splice(data: bytearray, rng: random.Random) -> None:
    other = rng.choice(seeds()[rng.choice(sorted(seeds()))])
    data[rng.randint(0, len(data)) :] = other[rng.randint(0, len(other)) :]


ANYWHERE: tuple[Mutation, ...] = (
    _cut,
    _flip_bits,
    _flip_early_bits,
    _overwrite,
    _remove,
    _repeat,
    _splice,
)


def _number(data: bytearray, at: int, form: str, rng: random.Random) -> None:
    """Overwrite a number, by one that is dangerous or near the old one."""
    size = struct.calcsize(form)
    if at + size > len(data):
        return
    largest = (1 << 8 * size) - 1
    (old,) = struct.unpack_from(form, data, at)
    new = rng.choice((*NUMBERS, old + 1, old - 1, old * 2, rng.randint(0, largest)))
    struct.pack_into(form, data, at, new & largest)


def _chunks(data: bytearray, byte_order: str) -> list[tuple[int, int]]:
    """Return where each chunk of a RIFF or AIFF file begins and ends."""
    found, at = [], 12
    while at + 8 <= len(data):
        (length,) = struct.unpack_from(f"{byte_order}I", data, at + 4)
        end = min(at + 8 + length + length % 2, len(data))
        found.append((at, end))
        at = end
    return found


def _chunked(byte_order: str) -> tuple[Mutation, ...]:
    def resize(data: bytearray, rng: random.Random) -> None:
        starts = [4, *(at + 4 for at, _ in _chunks(data, byte_order))]
        _number(data, rng.choice(starts), f"{byte_order}I", rng)

    def change_field(data: bytearray, rng: random.Random) -> None:
        # The chunk that describes the samples comes early, and its fields have two or four bytes.
        at = rng.randrange(20, 60, 2)
        _number(data, at, rng.choice((f"{byte_order}H", f"{byte_order}I")), rng)

    def move_chunk(data: bytearray, rng: random.Random) -> None:
        chunks = _chunks(data, byte_order)
        if not chunks:
            return
        begin, end = rng.choice(chunks)
        chunk = data[begin:end]
        if rng.random() < 0.5:
            del data[begin:end]
        at = rng.choice([begin for begin, _ in _chunks(data, byte_order)] or [len(data)])
        data[at:at] = chunk

    return resize, change_field, move_chunk


def _flac_block(data: bytearray, rng: random.Random) -> None:
    """Change the length or kind of a metadata block, or a field of the first one."""
    at = rng.choice((4, 5, 8, 10, 12, 15, 18, 20, 22, 26, 42, 43))
    _number(data, at, rng.choice((">B", ">H", ">I")), rng)


def _flac_frame(data: bytearray, rng: random.Random) -> None:
    """Change the header or the content of a frame and mend both of its checksums."""
    starts = [at for at in range(42, len(data) - 6) if data[at : at + 2] == b"\xff\xf8"]
    if not starts:
        return
    which = rng.randrange(len(starts))
    at, end = starts[which], [*starts, len(data)][which + 1]
    data[rng.choice((at + rng.randint(2, 4), rng.randint(at + 6, end - 1)))] = rng.randrange(256)
    data[at + 5] = _crc(data[at : at + 5], 8, 0x07)
    data[end - 2 : end] = _crc(data[at : end - 2], 16, 0x8005).to_bytes(2, "big")


def _crc(data: bytes | bytearray, bits: int, polynomial: int) -> int:
    crc, mask, top = 0, (1 << bits) - 1, 1 << bits - 1
    for byte in data:
        crc ^= byte << bits - 8
        for _ in range(8):
            crc = (crc << 1 ^ (polynomial if crc & top else 0)) & mask
    return crc


def _ogg_pages(data: bytearray) -> list[tuple[int, int]]:
    """Return where each page begins and ends."""
    found, at = [], 0
    while at + OGG_PAGE_HEADER_BYTES <= len(data) and data[at : at + 4] == b"OggS":
        n_segments = data[at + 26]
        body = at + OGG_PAGE_HEADER_BYTES + n_segments
        end = min(body + sum(data[at + OGG_PAGE_HEADER_BYTES : body]), len(data))
        found.append((at, end))
        at = end
    return found


def _ogg_page(data: bytearray, rng: random.Random) -> None:
    """Change a header or the content of a page and mend its checksum."""
    pages = _ogg_pages(data)
    if not pages:
        return
    # The first pages hold the headers of the codec.
    begin, end = rng.choice(pages[:2] + pages)
    kind = rng.random()
    if kind < 0.3:
        _number(data, begin + rng.choice((6, 10, 14, 18)), "<I", rng)
    elif kind < 0.4:
        data[begin + 5] = rng.randrange(8)
    else:
        for _ in range(rng.choice((1, 8))):
            body_byte = rng.randint(begin + OGG_PAGE_HEADER_BYTES, max(end - 1, begin + 27))
            if body_byte < end:
                data[body_byte] = rng.randrange(256)
    end = min(end, len(data))
    data[begin + 22 : begin + 26] = bytes(4)
    struct.pack_into("<I", data, begin + 22, _ogg_crc(data[begin:end]))


def _ogg_crc(page: bytes | bytearray) -> int:
    crc = 0
    for byte in page:
        crc = (crc << 8 & 0xFFFFFFFF) ^ _ogg_crc_table()[crc >> 24 ^ byte]
    return crc


@cache
def _ogg_crc_table() -> list[int]:
    return [_crc(bytes([value]), 32, 0x04C11DB7) for value in range(256)]


def _mp3_frame(data: bytearray, rng: random.Random) -> None:
    """Change the header or the side information of a frame."""
    starts = [at for at in range(len(data) - 40) if data[at] == 0xFF and data[at + 1] >= 0xE0]
    if starts:
        data[rng.choice(starts) + rng.randint(1, 36)] = rng.randrange(256)


def _mp3_tag(data: bytearray, rng: random.Random) -> None:
    """Put a tag before the first frame that states a length of its own."""
    stated = struct.pack(">I", rng.choice(NUMBERS))
    data[:0] = b"ID3" + bytes([rng.randint(0, 5), 0, rng.randrange(256)]) + stated + bytes(20)


def _atom(data: bytearray, rng: random.Random) -> None:
    """Change the length or name of an atom of an MP4 file, or a number in one."""
    names = (b"moov", b"trak", b"mdia", b"stbl", b"stsd", b"stsz", b"stsc", b"stco", b"stts",
             b"elst", b"esds", b"mdhd", b"mvhd", b"mdat", b"alac", b"mp4a")  # fmt: skip
    at = data.find(rng.choice(names))
    if at >= 4:
        _number(data, at + rng.choice((-4, 0, 4, 8, 12, 16, 20, 24, 28)), ">I", rng)


def _early_number(data: bytearray, rng: random.Random) -> None:
    """Change a number near the beginning, where the headers of most formats are."""
    form = rng.choice(("B", "<H", ">H", "<I", ">I", "<Q", ">Q"))
    _number(data, rng.randrange(min(len(data), 400) or 1), form, rng)


def _any_number(data: bytearray, rng: random.Random) -> None:
    """Change a number anywhere, such as in the header of a packet."""
    _number(data, rng.randrange(len(data) or 1), rng.choice(("B", ">H", "<I")), rng)


STRUCTURED: dict[str, tuple[Mutation, ...]] = {
    "wav": _chunked("<"),
    "aiff": _chunked(">"),
    "flac": (_flac_block, _flac_frame),
    "ogg": (_ogg_page, _ogg_page, _ogg_page),
    "opus": (_ogg_page, _ogg_page, _ogg_page),
    "mp3": (_mp3_frame, _mp3_tag),
    "mp2": (_mp3_frame, _mp3_tag),
    "oga": (_ogg_page, _ogg_page),
    "caf": (_chunked(">")[1], _early_number),
    **dict.fromkeys(("m4a", "alac", "mov", "3gp"), (_atom, _atom, _early_number)),
    **dict.fromkeys(
        ("au", "w64", "aac", "webm", "mkv", "wma", "amr", "ac3", "eac3", "wavpack", "tta"),
        (_early_number, _any_number),
    ),
}
