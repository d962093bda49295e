"""Choose the readers of a file: which is right and fast for it, and which comes next."""

from collections.abc import Callable, Collection
from functools import partial

from service.audio import ac3, adts, amr, asf, flac, flac_frames, free_format, mpeg, riff, wavpack
from service.audio.formats import check_allowed, find
from service.audio.frames import find_frame, walk
from service.audio.icy import without_titles
from service.audio.joined import pieces_of
from service.audio.lengths import is_cut_off, with_length
from service.audio.mp4 import check_readable
from service.audio.mpeg import Part
from service.audio.ogg import Link, links_of, without_holes
from service.audio.readers import pcm
from service.audio.readers.chain import ChainSource, Piece
from service.audio.readers.framed import FramedSource
from service.audio.readers.mpeg import PartOpening, open_mpeg
from service.audio.readers.sndfile import SndFileSource
from service.audio.readers.source import Opening, Source, Unreadable
from service.audio.readers.spliced import Parts
from service.audio.w64 import with_own_codec
from service.errors import UnsupportedAudio, UnusableAudio

# FFmpeg's names of the containers, by format.
DEMUXERS = {
    "wav": "wav",
    "flac": "flac",
    "mp4": "mov",
    "aac": "aac",
    "amr": "amr",
    "ac3": "ac3",
    "aiff": "aiff",
    "matroska": "matroska",
    "wma": "asf",
    "au": "au",
    "caf": "caf",
    "w64": "w64",
    "wavpack": "wv",
    "tta": "tta",
}
FRAMED = frozenset({"aac", "ac3", "amr"})
SNDFILE_READS = frozenset({"aiff", "au", "caf", "w64"})
SNDFILE_OGG = frozenset({"vorbis", "opus"})
# What answers call the codecs of Ogg files.
OGG_NAMES = {"vorbis": "ogg", "opus": "opus", "speex": "speex", "flac": "flac"}
MOST_LINKS = 1_000
OPUS_HZ = 48_000  # in which the pages of Opus count, whatever its sampling rate


def openings_of(data: bytes, formats: Collection[str]) -> tuple[str, list[Opening]]:
    """Return the name of a file's format, and what opens it, best first.

    Raises
    ------
    UnsupportedAudio
        It is nothing that the service reads, or may read.
    UnusableAudio
        What is needed to open it is missing.
    """
    found = find(data, formats)
    if found.name == "ogg":
        return _of_ogg(data, formats)
    check_allowed(found.name, formats)
    if found.name in ("mp3", "mp2"):
        return found.name, _of_mpeg(data, found.begin, found.end, found.name)
    data = _cut(data, found.begin, found.end)
    files = [_cut(data, *piece) for piece in pieces_of(data, found.name)]
    return found.name, _joined(files, [_of_file(file, found.name) for file in files])


def _joined(files: list[bytes], ways: list[list[Opening]]) -> list[Opening]:
    """Return what opens several files as one: each by its first reader, or each by its next."""
    if len(files) == 1:
        return ways[0]

    def by(n: int) -> list[Piece]:
        return [
            Piece(openings[min(n, len(openings) - 1)], len(file))
            for file, openings in zip(files, ways, strict=True)
        ]

    return [partial(ChainSource, by(n)) for n in range(max(map(len, ways)))]


def _of_file(data: bytes, name: str) -> list[Opening]:
    readers = {
        "wav": _of_wav,
        "flac": _of_flac,
        "mp4": _of_mp4,
        "wma": _of_wma,
        "wavpack": _of_wavpack,
    }
    if name in readers:
        return readers[name](data)
    if name in FRAMED:
        return [partial(_framed, data, name, name)]
    cut_off = is_cut_off(data)
    by_ffmpeg = partial(_by_ffmpeg, data, name, cut_off=cut_off)
    if name in SNDFILE_READS:
        content = with_own_codec(with_length(data))
        return [partial(SndFileSource, content, name, cut_off=cut_off), by_ffmpeg]
    return [by_ffmpeg]


def _of_mp4(data: bytes) -> list[Opening]:
    check_readable(data)
    return [partial(_by_ffmpeg, data, "mp4")]


def _of_wavpack(data: bytes) -> list[Opening]:
    return [partial(_by_ffmpeg, wavpack.without_holes(data), "wavpack")]


def _of_wma(data: bytes) -> list[Opening]:
    def by_ffmpeg() -> Source:
        source = _by_ffmpeg(data, "wma")
        source.stated_s = asf.stated_s(data)  # FFmpeg guesses it where bytes are missing
        return source

    return [by_ffmpeg]


def _of_flac(data: bytes) -> list[Opening]:
    by_ffmpeg = partial(_by_ffmpeg, name="flac")
    frames_only: list[Opening] = [
        partial(_of_flac_frames, data, partial(SndFileSource, name="flac", stated_s=0.0)),
        partial(_of_flac_frames, data, by_ffmpeg),
    ]
    if not data.startswith(flac.MARK):
        return frames_only
    stated_s, endless = flac.stated_s(data), flac.with_unknown_length(data)
    fast = partial(SndFileSource, endless, "flac", stated_s=stated_s, seek_in=data)
    return [fast, partial(by_ffmpeg, data), *frames_only]


def _of_flac_frames(data: bytes, reader: Callable[[bytes], Source]) -> Source:
    """Open the frames of a file whose beginning is missing or cannot be read."""
    frame = flac_frames.find_frame(data, 0, len(data))
    if frame is None:
        raise Unreadable("no frames of FLAC are in it")
    return reader(flac_frames.with_header(data, frame))


def _of_wav(data: bytes) -> list[Opening]:
    wav = riff.read_wav(data)
    cut_off = is_cut_off(data)
    stream = _stream_in_wav(riff.samples_of(data, wav), wav) if _is_stream(data, wav) else []
    if stream:
        return [partial(_cut_off, opening) for opening in stream] if cut_off else stream
    if wav.codec is not None and wav.codec not in riff.READ_CODECS:
        raise UnsupportedAudio(
            f"The WAV file holds sound of the codec {riff.codec_name(wav.codec)}, which the "
            "service does not read in a WAV. Convert it, for example to MP3 or FLAC."
        )
    if wav.form is not None and pcm.is_plain(wav.form) and wav.data and wav.is_regular:
        return [partial(pcm.PcmSource, data, wav.form, wav.data[0], cut_off=cut_off)]
    mended = riff.mended(data, wav)
    return [
        partial(SndFileSource, mended, "wav", cut_off=cut_off),
        partial(_by_ffmpeg, mended, "wav", cut_off=cut_off),
        *([partial(_lacking, wav)] if wav.chunks and not (wav.form and wav.data) else []),
    ]


def _cut_off(opening: Opening) -> Source:
    source = opening()
    source.cut_off = True
    return source


def _lacking(wav: riff.Wav) -> Source:
    """Tell what a WAV file lacks of which no reader could make anything."""
    missing = "'fmt ', which says what its samples are" if wav.data else "'data', with its samples"
    raise UnusableAudio(
        f"The WAV file has no chunk {missing}. Use the whole file, as it was recorded or exported."
    )


def _is_stream(data: bytes, wav: riff.Wav) -> bool:
    """Tell whether frames are in a WAV: it says so, or says samples and they prove to be frames."""
    if wav.codec in riff.STREAMS:
        return True
    return bool(wav.data) and mpeg.begins_at(data, wav.data[0].begin)


def _stream_in_wav(samples: bytes, wav: riff.Wav) -> list[Opening]:
    if wav.codec in riff.AAC_CODECS:
        frame = find_frame(samples, 0, len(samples), adts.ADTS)
        return [] if frame is None else [partial(_framed, samples[frame:], "wav", "aac")]
    return _of_mpeg(samples, 0, len(samples), "wav")


def _framed(data: bytes, name: str, kind: str) -> Source:
    if kind == "amr":
        wide = data.startswith(amr.WIDE_MARK)
        mark, framing = (amr.WIDE_MARK, amr.WIDE) if wide else (amr.MARK, amr.NARROW)
        frames = walk(data, len(mark), len(data), framing)
        return FramedSource(data, frames, partial(_by_ffmpeg, name=name), mark)
    if kind == "ac3":
        demuxer, framing = ("eac3" if ac3.is_enhanced(data) else "ac3"), ac3.AC3
    else:
        data = without_titles(data, 0) or data
        is_adts = adts.ADTS.start.match(data)
        demuxer, framing = ("aac", adts.ADTS) if is_adts else ("loas", adts.LOAS)
    frames = walk(data, 0, len(data), framing)
    return FramedSource(data, frames, partial(_by_ffmpeg, name=name, demuxer=demuxer))


def _of_mpeg(data: bytes, begin: int, end: int, name: str) -> list[Opening]:
    if not mpeg.frame_bytes(data, begin) and free_format.find_frame(data, begin, end) == begin:
        return [partial(SndFileSource, _cut(data, begin, end), name, stated_s=0.0)]

    def by_ffmpeg(frames: bytes | Parts, _: Part, stated_s: float) -> Source:
        whole = frames if isinstance(frames, bytes) else b"".join(frames)
        source = _by_ffmpeg(whole, name, "mp3")
        source.stated_s = stated_s
        return source

    def fast(frames: bytes | Parts, part: Part, stated_s: float) -> Source:
        if part.kind.layer != mpeg.LAYER_3:
            return by_ffmpeg(frames, part, stated_s)  # libsndfile reads layer III only
        return SndFileSource(frames, name, stated_s=stated_s)

    readers: tuple[PartOpening, ...] = (fast, by_ffmpeg)
    return [partial(open_mpeg, data, begin, end, open_part=reader) for reader in readers]


def _of_ogg(data: bytes, formats: Collection[str]) -> tuple[str, list[Opening]]:
    all_links = links_of(data)
    links = [link for link in all_links if link.codec]
    if not links:
        check_allowed("ogg", formats)
        if any(link.codecs for link in all_links):
            raise UnsupportedAudio(
                "The Ogg file holds no sound that the service reads: Vorbis, Opus, FLAC or Speex."
            )
        return "ogg", []
    names = [OGG_NAMES[link.codec] for link in links if link.codec]
    for name in names:
        check_allowed(name, formats)
    readers = (SNDFILE_OGG, frozenset[str]())
    return names[0], [partial(_chain, data, links[:MOST_LINKS], fast) for fast in readers]


def _chain(data: bytes, links: list[Link], fast: frozenset[str]) -> Source:
    if len(links) == 1:
        return _link(data, links[0], fast)
    return ChainSource(
        [Piece(partial(_link, data, link, fast), link.end - link.begin) for link in links]
    )


def _link(data: bytes, link: Link, fast: frozenset[str]) -> Source:
    """Open one file of a chain, by libsndfile where its codec is among the fast ones."""
    codec = link.codec or ""
    content, name = _cut(data, link.begin, link.end), OGG_NAMES[codec]
    if codec in fast and len(link.codecs) == 1:
        # The length by its last page counts from the beginning of a broadcast.
        rate_hz = OPUS_HZ if codec == "opus" else None
        source: Source = SndFileSource(
            content, name, stated_s=0.0, least_samples=link.n_samples, counted_in_hz=rate_hz
        )
    else:
        source = _by_ffmpeg(without_holes(content), name, "ogg")
    source.cut_off = link.cut_off
    return source


def _by_ffmpeg(
    data: bytes, name: str, demuxer: str | None = None, *, cut_off: bool = False
) -> Source:
    # Loaded with the first file that needs it: it takes 18 MB, and most files do not. Of decoders'
    # processes, which are locked up, some have it from the start and others never.
    from service.audio.readers.ffmpeg import FFmpegSource

    return FFmpegSource(data, name, demuxer or DEMUXERS[name], cut_off=cut_off)


def _cut(data: bytes, begin: int, end: int) -> bytes:
    return data if (begin, end) == (0, len(data)) else data[begin:end]
