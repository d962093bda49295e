"""Arrange a song for a band: who plays its chords, bass, drums and tune, and how.

Some songs keep the accompaniment that was written for them, on other instruments; in the others
instruments play exactly the notes of the chords. All else is drawn. Instruments are numbered as
General MIDI does, from 0.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import mido
import numpy as np
from mir_eval.chord import encode
from numpy.random import Generator
from numpy.typing import NDArray

from service.inference.harte import NOTES
from training.data.annotation import Annotation
from training.data.readers.pop909 import Note
from training.synthesis.midi import DRUM_CHANNEL, append_notes
from training.synthesis.patterns import Chord, play_bass, play_chords, play_drums

TICKS_PER_S = 1_000
TRANSPOSE = (-5, 6)
DETUNE_CENTS = 50.0
BEND_RANGE_CENTS = 200.0
VOLUME, MODULATION = 7, 1  # MIDI controllers
LOWEST, HIGHEST = 28, 100
# Of the songs keep the accompaniment that was written for them, whose passing notes, ninths and
# late chords are what makes real songs hard.
OWN_SHARE = 0.7

KEYS = (0, 1, 2, 4, 5, 6, 16, 17, 18, 19)
GUITARS = (24, 25, 26, 27, 28, 29, 30)
PADS = (48, 49, 50, 51, 88, 89, 90, 91)
BASSES = (32, 33, 34, 35, 36, 38, 39, 43)
# Voices first: they sing half of the tunes.
VOICES = (52, 53, 54, 85)
LEADS = (22, 40, 41, 56, 64, 65, 66, 68, 71, 73, 75, 80, 81, 87)


@dataclass(frozen=True)
class Part:
    """What one instrument plays.

    Attributes
    ----------
    program
        The instrument; None for the drums.
    notes
        Its notes.
    volume
        From 1 to 127.
    vibrato
        How much of it, from 0 to 127.
    """

    program: int | None
    notes: Sequence[Note]
    volume: int
    vibrato: int = 0


@dataclass(frozen=True)
class Arrangement:
    """A band's performance of an excerpt.

    Attributes
    ----------
    parts
        Who plays what.
    chords, keys
        What sounds, transposed as the performance is.
    detune_cents
        How much higher than 440 Hz the band is tuned.
    duration_s
        How long it plays.
    """

    parts: Sequence[Part]
    chords: Annotation
    keys: Annotation
    detune_cents: float
    duration_s: float

    def midi(self) -> mido.MidiFile:
        """Return it as MIDI."""
        midi = mido.MidiFile(ticks_per_beat=TICKS_PER_S)
        tempo = mido.MidiTrack()
        tempo.append(mido.MetaMessage("set_tempo", tempo=1_000_000))
        midi.tracks.append(tempo)
        channels = iter(n for n in range(16) if n != DRUM_CHANNEL)
        bend = round(self.detune_cents / BEND_RANGE_CENTS * 8_192)
        for part in self.parts:
            channel = DRUM_CHANNEL if part.program is None else next(channels)
            midi.tracks.append(_track(part, channel, bend))
        return midi


def arrange(
    chords: Annotation,
    keys: Annotation,
    beats_s: NDArray[np.float64],
    tracks: dict[str, list[Note]],
    rng: Generator,
    *,
    start_s: float,
    duration_s: float,
    exact_notes: bool = False,
) -> Arrangement:
    """Draw a band and let it play an excerpt of a song, transposed.

    Parameters
    ----------
    chords, keys, beats_s, tracks
        The song; of its tracks, MELODY, BRIDGE and PIANO are played.
    rng
        Draws everything.
    start_s, duration_s
        The excerpt.
    exact_notes
        Whether instruments play exactly the notes of the chords in any song, if also its own
        accompaniment beside them.
    """
    end_s = start_s + duration_s
    up = int(rng.integers(TRANSPOSE[0], TRANSPOSE[1] + 1))
    heard = _transposed(chords.between(start_s, end_s), up)
    beats = np.sort(_halved(beats_s[(beats_s >= start_s) & (beats_s < end_s)] - start_s))
    own = {name: _excerpt(notes, start_s, end_s, up) for name, notes in tracks.items()}
    sounding = [
        Chord(start, end, *_pitches(label))
        for label, (start, end) in zip(heard.labels, heard.intervals_s, strict=True)
        if label != "N"
    ]
    piano = own.get("PIANO", [])
    # With exact notes there is nothing to draw, so all that is drawn after it is other.
    if piano and not exact_notes and rng.random() < OWN_SHARE:
        parts = [_own_accompaniment(piano, rng)]
    else:
        parts = list(_accompaniment(sounding, beats, piano, rng))
    parts.append(
        Part(int(rng.choice(BASSES)), play_bass(sounding, beats, rng), int(rng.integers(75, 120)))
    )
    if rng.random() < 0.85:
        parts.append(Part(None, play_drums(beats, duration_s, rng), int(rng.integers(45, 105))))
    parts += _tune(own, rng)
    return Arrangement(
        parts=parts,
        chords=heard,
        keys=_transposed(keys.between(start_s, end_s), up),
        detune_cents=float(rng.uniform(-DETUNE_CENTS, DETUNE_CENTS)) if rng.random() < 0.5 else 0.0,
        duration_s=duration_s,
    )


def transposed_label(label: str, semitones: int) -> str:
    """Return a chord or key in Harte's notation, moved by some semitones."""
    if label == "N":
        return label
    root, colon, rest = label.partition(":")
    note, slash, bass = root.partition("/")
    return NOTES[(encode(note)[0] + semitones) % 12] + slash + bass + colon + rest


def _transposed(annotation: Annotation, semitones: int) -> Annotation:
    labels = [transposed_label(label, semitones) for label in annotation.labels]
    return Annotation(annotation.intervals_s, labels)


def _pitches(label: str) -> tuple[int, tuple[int, ...], int]:
    """Return root, intervals above it, and bass of a chord, as pitch classes."""
    root, bitmap, bass = encode(label)
    return int(root), tuple(np.flatnonzero(bitmap > 0).tolist()), int(root + bass) % 12


def _own_accompaniment(piano: list[Note], rng: Generator) -> Part:
    family = (KEYS, GUITARS, PADS)[int(rng.choice(3, p=[0.5, 0.35, 0.15]))]
    return Part(int(rng.choice(family)), piano, int(rng.integers(80, 115)))


def _accompaniment(
    chords: Sequence[Chord], beats_s: NDArray[np.float64], piano: list[Note], rng: Generator
) -> Iterable[Part]:
    """Let one to three instruments play the chords, half of the time with the song's own part."""
    families = [KEYS, GUITARS, GUITARS, PADS]
    for family in rng.permutation(len(families))[: 1 + int(rng.integers(3))]:
        programs = families[family]
        notes = play_chords(chords, beats_s, rng, sustained=programs is PADS)
        yield Part(int(rng.choice(programs)), notes, int(rng.integers(60, 110)))
    if piano and rng.random() < 0.5:
        yield Part(int(rng.choice((*KEYS, *GUITARS[:4]))), piano, int(rng.integers(50, 100)))


def _tune(own: dict[str, list[Note]], rng: Generator) -> Iterable[Part]:
    programs = VOICES if rng.random() < 0.5 else LEADS
    yield Part(
        int(rng.choice(programs)),
        own.get("MELODY", []),
        int(rng.integers(70, 115)),
        vibrato=int(rng.integers(0, 90)),
    )
    if rng.random() < 0.5:
        yield Part(int(rng.choice(LEADS)), own.get("BRIDGE", []), int(rng.integers(40, 95)))


def _halved(beats_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return beats of less than 0.8 s: slower ones are counted in halves."""
    if len(beats_s) < 2 or np.median(np.diff(beats_s)) < 0.8:
        return beats_s
    return np.concatenate([beats_s, beats_s[:-1] + np.diff(beats_s) / 2])


def _excerpt(notes: Iterable[Note], start_s: float, end_s: float, up: int) -> list[Note]:
    return [
        Note(max(n.start_s, start_s) - start_s, min(n.end_s, end_s) - start_s, n.pitch + up,
             n.velocity)
        for n in notes
        if n.end_s > start_s and n.start_s < end_s and LOWEST <= n.pitch + up <= HIGHEST
    ]  # fmt: skip


def _track(part: Part, channel: int, bend: int) -> mido.MidiTrack:
    track = mido.MidiTrack()
    controls = [(VOLUME, part.volume)]
    if part.program is not None:
        track.append(mido.Message("program_change", channel=channel, program=part.program))
        track.append(mido.Message("pitchwheel", channel=channel, pitch=bend))
        controls.append((MODULATION, part.vibrato))
    for control, value in controls:
        track.append(mido.Message("control_change", channel=channel, control=control, value=value))
    notes = (
        (round(n.start_s * TICKS_PER_S), round(n.end_s * TICKS_PER_S), n.pitch, n.velocity)
        for n in part.notes
    )
    append_notes(track, channel, notes)
    return track
