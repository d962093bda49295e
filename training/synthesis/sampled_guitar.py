"""Guitars whose strings are the sampled notes of a SoundFont.

Each note of the guitar's range is rendered once, dry; strummed chords are then mixed from
single notes, so that a chord of which no recording exists sounds like any other.
"""

from dataclasses import dataclass
from pathlib import Path

import mido
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from training.synthesis.guitar import GuitarSound
from training.synthesis.soundfont import render_midi

# General MIDI programs, counted from 0: nylon, steel, jazz, clean, overdriven and distorted.
GUITAR_PROGRAMS = (24, 25, 26, 27, 29, 30)
LOWEST_NOTE, HIGHEST_NOTE = 40, 79  # MIDI notes
HOLD_S, REST_S = 2.6, 0.4
VELOCITY = 90
TICKS_PER_S = 1_000
REVERB_SEND, CHORUS_SEND = 91, 93  # MIDI controllers


@dataclass(frozen=True)
class SampledGuitar:
    """One guitar of a SoundFont.

    Attributes
    ----------
    notes
        Waveforms of the notes from ``LOWEST_NOTE`` up, shape [notes, n_samples].
    """

    notes: NDArray[np.float32]

    def pluck(
        self,
        frequency_hz: float,
        n_samples: int,
        sample_rate_hz: int,  # noqa: ARG002  # known when the notes were rendered
        sound: GuitarSound,  # noqa: ARG002  # the samples have their own
        rng: Generator,  # noqa: ARG002
    ) -> NDArray[np.float64]:
        """Return one string as a ``Pluck`` does, at most as long as its note."""
        midi = 69 + 12 * np.log2(frequency_hz / 440)
        nearest = int(np.clip(round(midi), LOWEST_NOTE, HIGHEST_NOTE))
        note = self.notes[nearest - LOWEST_NOTE]
        step = 2 ** ((midi - nearest) / 12)
        times = np.arange(min(n_samples, int(len(note) / step))) * step
        string: NDArray[np.float64] = np.interp(times, np.arange(len(note)), note)
        return string


def sampled_guitars(soundfont: Path, sample_rate_hz: int) -> list[SampledGuitar]:
    """Return the guitars of a SoundFont, their notes at a sampling rate.

    Raises
    ------
    TrainingError
        ``fluidsynth`` is not installed, or the font is missing or broken.
    """
    guitars = []
    step = round((HOLD_S + REST_S) * sample_rate_hz)
    n_notes = HIGHEST_NOTE - LOWEST_NOTE + 1
    for program in GUITAR_PROGRAMS:
        samples = render_midi(_scale(program), soundfont, sample_rate_hz)[: n_notes * step]
        padded = np.pad(samples, (0, n_notes * step - len(samples)))
        guitars.append(SampledGuitar(padded.reshape(n_notes, step)))
    return guitars


def _scale(program: int) -> mido.MidiFile:
    """Write every note of the range, one after the other, without effects."""
    track = mido.MidiTrack()
    track.append(mido.MetaMessage("set_tempo", tempo=1_000_000))
    track.append(mido.Message("program_change", program=program))
    for effect in (REVERB_SEND, CHORUS_SEND):
        track.append(mido.Message("control_change", control=effect, value=0))
    rest = 0
    for note in range(LOWEST_NOTE, HIGHEST_NOTE + 1):
        track.append(mido.Message("note_on", note=note, velocity=VELOCITY, time=rest))
        track.append(mido.Message("note_off", note=note, time=round(HOLD_S * TICKS_PER_S)))
        rest = round(REST_S * TICKS_PER_S)
    midi = mido.MidiFile(ticks_per_beat=TICKS_PER_S)
    midi.tracks.append(track)
    return midi
