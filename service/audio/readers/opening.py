"""Choose the readers of a file: which is right and fast for it, and which comes next."""

from collections.abc import Callable, Collection
from functools import partial

from service.audio import adts, flac, riff
from service.audio.formats import FORMATS, check_allowed, find
from service.audio.mpeg import Part
from service.audio.ogg import Link, links_of
from service.audio.quality import COMPLETE_SHARE
from service.audio.readers import pcm
from service.audio.readers.chain import ChainSource
from service.audio.readers.mpeg import PartOpening, by_sndfile, open_mpeg
from service.audio.readers.sndfile import SndFileSource
from service.audio.readers.source import Source
from service.errors import UnsupportedAudio, UnusableAudio

Opening = Callable[[], Source]

# FFmpeg's names of the containers, and the formats that are read by FFmpeg alone.
DEMUXERS = {
    "wav": "wav",
    "flac": "flac",
    "aiff": "aiff",
    "mp4": "mov",
    "aac": "aac",
    "matroska": "matroska",
    "wma": "asf",
    "amr": "amr",
    "ac3": "ac3",
    "au": "au",
    "caf": "caf",
    "w64": "w64",
    "wavpack": "wv",
    "tta": "tta",
}
SNDFILE_READS = frozenset({"aiff", "au", "caf", "w64"})
SNDFILE_OGG = frozenset({"vorbis", "opus"})
# What answers call the codecs of Ogg files.
OGG_NAMES = {"vorbis": "ogg", "opus": "opus", "speex": "speex", "flac": "flac"}
MOST_LINKS = 1_000
OPUS_HZ = 48_000  # in which the pages of Opus count, whatever its sampling rate
EAC3_FROM = 11  # number of the bit stream's syntax from which on it is Enhanced AC-3


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
    if found.name == "wav":
        return found.name, _of_wav(data[found.begin :] if found.begin else data)
    return found.name, _of_container(_cut(data, found.begin, found.end), found.name)


def _of_container(data: bytes, name: str) -> list[Opening]:
    demuxer = DEMUXERS[name]
    if name == "mp4" and b"moov" not in data:
        raise UnusableAudio(
            f"The {FORMATS[name]} file has no index (moov). Recorders write it last, so the file "
            "was cut off or its recording was never ended; send it whole."
        )
    if name == "ac3" and data[5:6] >= bytes([EAC3_FROM << 3]):
        demuxer = "eac3"
    by_ffmpeg = partial(_by_ffmpeg, data, name, demuxer)
    if name == "flac":
        stated_s = flac.stated_s(data)
        endless = flac.with_unknown_length(data)
        return [
            partial(SndFileSource, endless, name, stated_s=stated_s, seek_in=data),
            by_ffmpeg,
        ]
    if name in SNDFILE_READS:
        cut_off = riff.is_cut_off(data, COMPLETE_SHARE)
        return [partial(SndFileSource, data, name, cut_off=cut_off), by_ffmpeg]
    return [by_ffmpeg]


def _of_wav(data: bytes) -> list[Opening]:
    wav = riff.read_wav(data)
    samples = riff.samples_of(data, wav) if wav.codec in riff.STREAMS else b""
    if wav.codec in riff.MPEG_CODECS:
        return _of_mpeg(samples, 0, len(samples), "wav")
    if wav.codec in riff.AAC_CODECS and adts.find_frame(samples, 0, len(samples)) == 0:
        return [partial(_by_ffmpeg, samples, "wav", "aac")]
    if wav.codec is not None and wav.codec not in riff.READ_CODECS:
        raise UnsupportedAudio(
            f"The WAV file holds sound of the codec {riff.codec_name(wav.codec)}, which the "
            "service does not read in a WAV. Convert it, for example to MP3 or FLAC."
        )
    cut_off = riff.is_cut_off(data, COMPLETE_SHARE)
    if wav.form is not None and pcm.is_plain(wav.form) and wav.data and wav.is_regular:
        return [partial(pcm.PcmSource, data, wav.form, wav.data[0], cut_off=cut_off)]
    mended = riff.mended(data, wav)
    return [
        partial(SndFileSource, mended, "wav", cut_off=cut_off),
        partial(_by_ffmpeg, mended, "wav", "wav", cut_off=cut_off),
    ]


def _of_mpeg(data: bytes, begin: int, end: int, name: str) -> list[Opening]:
    def by_ffmpeg(frames: bytes, _: Part, stated_s: float) -> Source:
        source = _by_ffmpeg(frames, name, "mp3")
        source.stated_s = stated_s
        return source

    readers: tuple[PartOpening, ...] = (partial(by_sndfile, name=name), by_ffmpeg)
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
    openings = [partial(_link, data, link, fast) for link in links]
    return openings[0]() if len(openings) == 1 else ChainSource(openings)


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
        source = _by_ffmpeg(content, name, "ogg")
    source.cut_off = link.cut_off
    return source


def _by_ffmpeg(data: bytes, name: str, demuxer: str, *, cut_off: bool = False) -> Source:
    # Loaded with the first file that needs it: it takes 18 MB, and most files do not. Only the
    # decoders' processes load it at once, since they are locked up afterwards.
    from service.audio.readers.ffmpeg import FFmpegSource

    return FFmpegSource(data, name, demuxer, cut_off=cut_off)


def _cut(data: bytes, begin: int, end: int) -> bytes:
    return data if (begin, end) == (0, len(data)) else data[begin:end]
