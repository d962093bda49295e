"""Read and write folders of recordings with their chords beside them.

Beside ``song.wav`` (or FLAC, MP3, …) lies ``song.lab``, lines of start, end and chord in Harte's
notation, or ``song.jams`` (Humphrey et al., ISMIR 2014). GuitarSet's layout is read too: there the
audio lies in another folder, and its name has the microphone at its end. Of several annotations of
chords the first counts: in GuitarSet that of the lead sheet.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mir_eval
import numpy as np

from service.audio.decode import Clip, decode
from service.audio.files import audio_files
from service.errors import ServiceError
from training.data.annotation import Annotation
from training.errors import TrainingError

# What GuitarSet appends to the name of a recording.
MICROPHONES = ("_mic", "_mix", "_hex", "_hex_cln")
# Written times are rounded, so that ends and beginnings may miss each other by so much.
ROUNDING_S = 0.005
_NAMESPACES = {"chords": ("chord", "chord_harte"), "keys": ("key_mode",)}

Truths = dict[str, list[Path]]
"""Files of annotations by their names without the ending, JAMS first."""


@dataclass(frozen=True)
class SongFile:
    """A recording and what is true of it.

    Attributes
    ----------
    audio
        The recording.
    chords
        Which chord sounds when.
    keys
        Which key holds when; None where nobody said.
    group
        What it has in common with others, over which intervals are drawn.
    """

    audio: Path
    chords: Annotation
    keys: Annotation | None = None
    group: str = ""

    def heard(self, rates_hz: Sequence[int]) -> Clip:
        """Decode the recording to waveforms at some rates, or raise TrainingError."""
        try:
            return decode(self.audio.read_bytes(), rates_hz)
        except ServiceError as error:
            raise TrainingError(
                f"{self.audio} cannot be decoded: {error.detail} Or take it out of the folder."
            ) from error


def read_song_folder(folder: Path) -> list[SongFile]:
    """Return the recordings of a folder, and of those within, that have chords beside them.

    Raises
    ------
    TrainingError
        There is none, what lies beside one cannot be read, or it is not clear whose chords those of
        another folder are.
    """
    truths: Truths = defaultdict(list)
    for suffix in ("jams", "lab"):
        for file in sorted(folder.rglob(f"*.{suffix}")):
            truths[file.stem].append(file)
    songs = []
    for audio in audio_files(folder):
        truth = _truth(audio, truths)
        if truth is not None:
            songs.append(_read(audio, truth))
    if not songs:
        raise TrainingError(
            f"{folder} holds no audio with chords: beside NAME.wav there must be NAME.lab with "
            "lines of start, end and chord, or NAME.jams."
        )
    return songs


def write_jams(
    file: Path,
    chords: Annotation,
    keys: Annotation | None,
    duration_s: float,
    sandbox: dict[str, Any],
) -> None:
    """Write what is true of a recording as JAMS."""
    annotations = [
        {"namespace": space, "data": list(_observations(annotation)), "sandbox": {},
         "annotation_metadata": {}, "time": 0, "duration": duration_s}
        for space, annotation in (("chord", chords), ("key_mode", keys))
        if annotation is not None
    ]  # fmt: skip
    metadata = {"duration": duration_s, "title": file.stem}
    text = json.dumps(
        {"file_metadata": metadata, "annotations": annotations, "sandbox": sandbox}, indent=1
    )
    file.write_text(text + "\n", "utf-8")


def _observations(annotation: Annotation) -> Iterator[dict[str, Any]]:
    for label, (start_s, end_s) in zip(annotation.labels, annotation.intervals_s, strict=True):
        yield {"time": round(float(start_s), 6), "duration": round(float(end_s - start_s), 6),
               "value": label, "confidence": 1.0}  # fmt: skip


def _truth(audio: Path, truths: Truths) -> Path | None:
    """Return what is true of a recording: what lies beside it, or else the one of its name."""
    stems = [audio.stem, *(audio.stem.removesuffix(name) for name in MICROPHONES)]
    found = next((truths[stem] for stem in stems if stem in truths), [])
    beside = [file for file in found if file.parent == audio.parent]
    if not beside and len({file.parent for file in found}) > 1:
        raise TrainingError(
            f"{found[0]} and {found[-1]} may both belong to {audio}; put the right one beside it."
        )
    return next(iter(beside or found), None)


def _read(audio: Path, truth: Path) -> SongFile:
    try:
        if truth.suffix == ".lab":
            chords = Annotation(*mir_eval.io.load_labeled_intervals(str(truth)))
            song = SongFile(audio, _checked(chords), group=truth.stem)
        else:
            song = _read_jams(audio, truth, json.loads(truth.read_text("utf-8")))
    except KeyError as error:
        raise TrainingError(f"{truth} cannot be read: it lacks {error}") from error
    except mir_eval.chord.InvalidChordException as error:
        raise TrainingError(
            f"{truth} cannot be read: {error}; write chords in Harte's notation, such as A:min."
        ) from error
    except (ValueError, TypeError) as error:
        raise TrainingError(f"{truth} cannot be read: {error}") from error
    return song


def _read_jams(audio: Path, file: Path, jams: dict[str, Any]) -> SongFile:
    found = {}
    for what, spaces in _NAMESPACES.items():
        of_it = [a for a in jams["annotations"] if a["namespace"] in spaces]
        if of_it:
            found[what] = _annotation(of_it[0]["data"])
    if "chords" not in found:
        raise ValueError("it has no annotation of chords")
    sandbox = jams.get("sandbox") or {}
    return SongFile(
        audio,
        _checked(found["chords"]),
        found.get("keys"),
        str(sandbox.get("group", file.stem)),
    )


def _annotation(data: list[dict[str, Any]]) -> Annotation:
    times = [(o["time"], o["time"] + o["duration"]) for o in data]
    return Annotation(np.array(times, float).reshape(-1, 2), [str(o["value"]) for o in data])


def _checked(chords: Annotation) -> Annotation:
    """Return chords one right after the other, with N where nothing was said."""
    for label in chords.labels:
        mir_eval.chord.encode(label)
    if not chords.labels:
        raise ValueError("it names no chord")
    times: list[tuple[float, float]] = []
    labels: list[str] = []
    for label, (start_s, end_s) in zip(chords.labels, chords.intervals_s.tolist(), strict=True):
        until_s = times[-1][1] if times else start_s
        if start_s < until_s - ROUNDING_S:
            raise ValueError(f"its chords overlap at {start_s:g} s")
        if start_s > until_s + ROUNDING_S:
            times.append((until_s, start_s))
            labels.append(mir_eval.chord.NO_CHORD)
            until_s = start_s
        if end_s > until_s:
            times.append((until_s, end_s))
            labels.append(label)
    return Annotation(np.array(times).reshape(-1, 2), labels)
