"""Put all there is to listen to on one shelf: labelled clips without their labels, and more."""

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import soundfile
import soxr
from tqdm import tqdm

from service.audio.files import audio_files
from training.data.labels import one_spelling
from training.data.readers.clips import FILE_GROUP
from training.data.readers.manifest import rows
from training.data.scales import RATINGS_LIST
from training.data.song_folder import read_song_folder
from training.errors import UnreadableClip
from training.listener.packages import (
    MUSIC_PACKAGES,
    NOISE_FOLDERS,
    SPEECH_PACKAGES,
    noises,
    recordings,
)
from training.listener.recordings import (
    LONGEST_S,
    MUSIC,
    NOISE,
    RATE_HZ,
    SPEECH,
    Samples,
    Sound,
)

LISTS = ("genre.csv", "emotion.csv", RATINGS_LIST)
CHORDS = "chord.csv"
CHORD_CLIPS = 300
"""Of each data set of chords, strung together: they are short and much alike."""

SHORTEST_MUSIC_S = 20.0
"""In a package, what is shorter is a jingle or a noise of the game."""

SHORTEST_NOISE_S = 0.4
SPOKEN_S = 150.0
HELD_OUT_PART = 5
"""One group in so many is never studied, and asked about in the exam."""


def sounds(
    data: Sequence[Path],
    packages: Path | None,
    speech: Sequence[Path],
    songs: Sequence[Path] = (),
) -> list[Sound]:
    """Return all that can be listened to, still to be decoded.

    Parameters
    ----------
    data
        Folders with the lists of labelled clips.
    packages
        Where packages were unpacked, if they were.
    speech
        Folders of speech.
    songs
        Folders of songs with what is true of them, such as rendered ones.
    """
    found: list[Sound] = []
    for folder in data:
        found += [*_listed(folder), *_chords(folder)]
    for folder in songs:
        found += _songs(folder)
    spoken = list(speech)
    if packages is not None:
        for package in MUSIC_PACKAGES:
            found += _packaged(packages / package)
        for package in NOISE_FOLDERS:
            found += _noises(packages, package)
        spoken += [packages / package for package in SPEECH_PACKAGES]
    for folder in spoken:
        found += _spoken(folder)
    return found


def shown(found: Sequence[Sound]) -> Iterator[Sound]:
    """Yield sounds and show how far it is."""
    yield from tqdm(found, desc="decoding", unit="recording")


def is_held_out(group: str) -> bool:
    """Tell whether a group is kept for the exam; the same group always is."""
    digest = hashlib.sha1(group.encode(), usedforsecurity=False).digest()
    return int.from_bytes(digest, "big") % HELD_OUT_PART == 0


def decode(file: Path) -> Samples:
    """Return a recording, mono at ``RATE_HZ``, at most ``LONGEST_S``, or raise UnreadableClip."""
    try:
        with soundfile.SoundFile(file) as sound:
            rate_hz = sound.samplerate
            samples = sound.read(round(LONGEST_S * rate_hz), dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, OSError) as error:
        raise UnreadableClip(f"{file} cannot be read: {error}") from error
    if not len(samples):
        raise UnreadableClip(f"{file} is empty")
    mono = samples.mean(axis=1)
    return np.asarray(soxr.resample(mono, rate_hz, RATE_HZ, quality="MQ"), np.float32)


def _listed(folder: Path) -> Iterator[Sound]:
    """Yield each clip of the lists once, whatever they say of it."""
    groups: dict[str, tuple[str, str]] = {}
    for name in LISTS:
        if (folder / name).is_file():
            for row in rows(folder / name, ("file",)):
                file, group = row["file"], one_spelling(row.get("group") or "")
                if file not in groups or group:
                    own = f"{FILE_GROUP}{file}"
                    groups[file] = (row.get("dataset") or folder.name, group or own)
    for file, (data_set, group) in sorted(groups.items()):
        yield Sound(file, MUSIC, data_set, group, partial(decode, folder / file))


def _chords(folder: Path) -> Iterator[Sound]:
    if not (folder / CHORDS).is_file():
        return
    by_data_set: dict[str, list[Path]] = defaultdict(list)
    for row in rows(folder / CHORDS, ("file",)):
        by_data_set[row.get("dataset") or folder.name].append(folder / row["file"])
    for data_set, files in sorted(by_data_set.items()):
        drawn = np.random.default_rng(0).permutation(len(files))[:CHORD_CLIPS]
        strung = partial(_strung_together, [files[i] for i in drawn])
        yield Sound(data_set, MUSIC, "chords", f"chords:{data_set}", strung)


def _songs(folder: Path) -> Iterator[Sound]:
    """Yield songs; renderings of one song are of one group, by whomever they are played."""
    for song in read_song_folder(folder):
        name = f"{folder.name}/{song.audio.relative_to(folder)}"
        group = f"song:{song.group or name}"
        yield Sound(name, MUSIC, "songs", group, partial(decode, song.audio))


def _packaged(folder: Path) -> Iterator[Sound]:
    for file in recordings(folder):
        if _duration_s(file) >= SHORTEST_MUSIC_S:
            name = str(file.relative_to(folder.parent))
            yield Sound(name, MUSIC, folder.name, f"package:{name}", partial(decode, file))


def _noises(packages: Path, package: str) -> Iterator[Sound]:
    for file in noises(packages, package):
        if SHORTEST_NOISE_S <= _duration_s(file) < SHORTEST_MUSIC_S:
            name = str(file.relative_to(packages))
            yield Sound(name, NOISE, package, f"package:{name}", partial(decode, file))


def _spoken(folder: Path) -> Iterator[Sound]:
    """Yield the speech of a folder, strung together to stretches of some minutes."""
    files = sorted(audio_files(folder)) if folder.is_dir() else []
    order = [files[i] for i in np.random.default_rng(0).permutation(len(files))]
    stretch: list[Path] = []
    length_s, number = 0.0, 0
    for file in order:
        stretch.append(file)
        length_s += _duration_s(file)
        if length_s >= SPOKEN_S or file is order[-1]:
            name = f"{folder.name}/{number}"
            yield Sound(name, SPEECH, folder.name, name, partial(_strung_together, stretch))
            stretch, length_s, number = [], 0.0, number + 1


def _strung_together(files: Sequence[Path]) -> Samples:
    parts = []
    for file in files:
        try:
            parts.append(decode(file))
        except UnreadableClip:
            continue
    if not parts:
        raise UnreadableClip("none of the recordings can be read")
    return np.concatenate(parts)


def _duration_s(file: Path) -> float:
    try:
        return float(soundfile.info(file).duration)
    except (soundfile.LibsndfileError, OSError):
        return 0.0
