"""Write songs with guitar, bass and drums as MIDI, whose chords are therefore known.

Chord sequences of popular and jazz music are played in any key and at any usual tempo:
the guitar strums or picks fretted voicings, the bass walks between root and fifth, and
the drums keep the beat. Instruments are numbered as General MIDI does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import mido
import numpy as np
from numpy.random import Generator

from service.audio.decode import Samples
from training.data.labels import INTERVALS, chord_label
from training.progressions.progression import Progression
from training.synthesis.guitar import voicing
from training.synthesis.midi import (
    CLOSED_HAT,
    DRUM_CHANNEL,
    KICK,
    SNARE,
    TickedNote,
    append_notes,
)
from training.synthesis.soundfont import render_midi
from training.synthesis.sounds import bass_note

TICKS_PER_BEAT = 480
BEATS_PER_BAR = 4
TEMPO_BPM = (70.0, 140.0)
DURATION_S = 28.0
CHORD_S = (0.9, 4.0)
STRUM_S = 0.012  # between neighbouring strings
GUITARS = {"nylon": 24, "steel": 25, "jazz": 26, "clean": 27, "overdriven": 29}
BASSES = (32, 33, 34, 35)
GUITAR_CHANNEL, BASS_CHANNEL = 0, 1

# Semitones above the key note, and the quality.
ChordSequence = tuple[tuple[int, str], ...]
SEQUENCES: tuple[ChordSequence, ...] = (
    ((0, "maj"), (7, "maj"), (9, "min"), (5, "maj")),
    ((9, "min"), (5, "maj"), (0, "maj"), (7, "maj")),
    ((0, "maj"), (9, "min"), (5, "maj"), (7, "7")),
    ((0, "7"), (5, "7"), (0, "7"), (7, "7")),
    ((2, "m7"), (7, "7"), (0, "maj7")),
    ((0, "min"), (8, "maj"), (3, "maj"), (10, "maj")),
    ((0, "min"), (5, "min"), (7, "7")),
    ((0, "maj7"), (9, "m7"), (2, "m7"), (7, "7")),
    ((0, "maj"), (1, "dim"), (2, "min"), (7, "maj")),
    ((0, "min"), (2, "dim"), (7, "maj"), (0, "min"), (10, "maj")),
)
# Quavers of a bar on which the guitar plays.
STRUMS = ((0, 2, 4, 6), (0, 2, 3, 5, 6, 7), (0, 3, 4, 7), (0, 4))


@dataclass(frozen=True)
class Song:
    """What is played.

    Attributes
    ----------
    chords
        Pitch class of the root, 0 = C, and quality; neighbours differ.
    beats
        How long each chord sounds.
    tempo_bpm
        Beats in a minute.
    midi
        The performance.
    guitar
        A key of ``GUITARS``.
    """

    chords: list[tuple[int, str]]
    beats: list[int]
    tempo_bpm: float
    midi: mido.MidiFile
    guitar: str


def render_songs(
    soundfont: Path, sample_rate_hz: int, *, count: int, seed: int
) -> list[Progression]:
    """Write and render songs of :data:`SEQUENCES`, equally many with each guitar of the font."""
    rng = np.random.default_rng(seed)
    guitars = list(GUITARS)
    return [
        render_song(write_song(rng, guitars[n % len(guitars)]), soundfont, sample_rate_hz)
        for n in range(count)
    ]


def render_song(song: Song, soundfont: Path, sample_rate_hz: int) -> Progression:
    """Render a song; what rings on after its last beat is cut off."""
    edges_s = np.concatenate([[0], np.cumsum(song.beats)]) * 60 / song.tempo_bpm
    n_samples = round(edges_s[-1] * sample_rate_hz)
    rendered = render_midi(song.midi, soundfont, sample_rate_hz)[:n_samples]
    samples: Samples = np.pad(rendered, (0, n_samples - len(rendered)))
    return Progression(
        data_set=f"songs by {soundfont.stem}",
        group=song.guitar,
        samples=samples,
        sample_rate_hz=sample_rate_hz,
        edges_s=edges_s,
        chords=[chord_label(root, quality) for root, quality in song.chords],
    )


def write_song(rng: Generator, guitar: str, sequences: Sequence[ChordSequence] = SEQUENCES) -> Song:
    """Draw key, tempo, chords and accompaniment."""
    tempo_bpm = rng.uniform(*TEMPO_BPM)
    beat_s = 60 / tempo_bpm
    key = int(rng.integers(12))
    sequence = sequences[int(rng.integers(len(sequences)))]
    lengths = [n for n in (2, 4, 8) if CHORD_S[0] <= n * beat_s <= CHORD_S[1]]
    usual = int(rng.choice(lengths))
    chords: list[tuple[int, str]] = []
    beats: list[int] = []
    while sum(beats) * beat_s < DURATION_S:
        for degree, quality in sequence:
            chord = ((key + degree) % 12, quality)
            n_beats = int(rng.choice(lengths)) if rng.random() < 0.25 else usual
            if chord in chords[-1:]:
                beats[-1] += n_beats
            else:
                chords.append(chord)
                beats.append(n_beats)
    midi = _perform(chords, beats, tempo_bpm, GUITARS[guitar], rng)
    return Song(chords, beats, tempo_bpm, midi, guitar)


class _Track:
    """Notes of one channel, in any order."""

    def __init__(self, channel: int, program: int | None = None) -> None:
        self._channel = channel
        self._program = program
        self._notes: list[TickedNote] = []

    def play(self, note: int, start: float, end: float, loudness: float) -> None:
        """Add a note; times in beats, loudness from 0 to 1."""
        velocity = int(np.clip(127 * loudness, 1, 127))
        first, last = round(start * TICKS_PER_BEAT), round(end * TICKS_PER_BEAT)
        self._notes.append((first, last, note, velocity))

    def midi(self, end_beat: int) -> mido.MidiTrack:
        """Return the track, which ends on a beat."""
        track = mido.MidiTrack()
        if self._program is not None:
            track.append(
                mido.Message("program_change", channel=self._channel, program=self._program)
            )
        now = append_notes(track, self._channel, self._notes)
        track.append(mido.MetaMessage("end_of_track", time=end_beat * TICKS_PER_BEAT - now))
        return track


def _perform(
    chords: Sequence[tuple[int, str]],
    beats: Sequence[int],
    tempo_bpm: float,
    guitar_program: int,
    rng: Generator,
) -> mido.MidiFile:
    guitar = _Track(GUITAR_CHANNEL, guitar_program)
    bass = _Track(BASS_CHANNEL, int(rng.choice(BASSES)))
    drums = _Track(DRUM_CHANNEL)
    picked = rng.random() < 0.35
    pattern = STRUMS[int(rng.integers(len(STRUMS)))]
    bass_level, drum_level = rng.uniform(0.5, 0.8), rng.uniform(0.3, 0.7)
    strum_beats = STRUM_S * tempo_bpm / 60
    start = 0
    for (root, quality), n_beats in zip(chords, beats, strict=True):
        end = start + n_beats
        frets = voicing(root, quality, rng)
        if picked:
            _pick(guitar, frets, start, end, rng)
        else:
            _strum(guitar, frets, start, end, pattern, strum_beats, rng)
        fifth = INTERVALS[quality][2]
        low = bass_note(root)
        for beat in range(start, end, 2):
            note = low if (beat - start) % 4 == 0 else low + fifth - (12 if low > 35 else 0)
            bass.play(note, beat, min(beat + 1.9, end), bass_level)
        _keep_time(drums, start, end, drum_level, rng)
        start = end
    midi = mido.MidiFile(ticks_per_beat=TICKS_PER_BEAT)
    tempo = mido.MidiTrack()
    tempo.append(mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(tempo_bpm)))
    midi.tracks += [tempo, *(track.midi(start) for track in (guitar, bass, drums))]
    return midi


def _strum(
    guitar: _Track,
    notes: Sequence[int],
    start: int,
    end: int,
    pattern: Sequence[int],
    strum_beats: float,
    rng: Generator,
) -> None:
    onsets = [
        start + quaver / 2
        for quaver in range(2 * (end - start))
        if quaver % (2 * BEATS_PER_BAR) in pattern
    ]
    for onset, until in zip(onsets, [*onsets[1:], end], strict=True):
        upwards = onset % 1 == 0.5
        for order, note in enumerate(reversed(notes) if upwards else notes):
            loudness = rng.uniform(0.5, 0.8) if upwards else rng.uniform(0.65, 0.95)
            guitar.play(note, min(onset + order * strum_beats, until - 0.05), until, loudness)


def _pick(guitar: _Track, notes: Sequence[int], start: int, end: int, rng: Generator) -> None:
    """Pick strings one by one in quavers, from the lowest up and back; all ring on."""
    # Each note of the chord once before any octave, so that short chords are whole too.
    new = [n for i, n in enumerate(notes) if n % 12 not in {m % 12 for m in notes[:i]}]
    wave = [*new, *(n for n in reversed(notes) if n not in new)]
    for quaver in range(2 * (end - start)):
        onset = start + quaver / 2
        sounds_until = min(end, onset + len(wave) / 2)
        guitar.play(wave[quaver % len(wave)], onset, sounds_until, rng.uniform(0.6, 0.9))


def _keep_time(drums: _Track, start: int, end: int, level: float, rng: Generator) -> None:
    for beat in range(start, end):
        drums.play(SNARE if beat % 2 else KICK, beat, beat + 0.2, level)
        for quaver in (beat, beat + 0.5):
            drums.play(CLOSED_HAT, quaver, quaver + 0.1, level * rng.uniform(0.5, 0.8))
