"""POP909: songs as MIDI with their chords, keys and beats.

Wang et al., ISMIR 2020. A folder holds one folder a song, ``NNN/NNN.mid``, with the tracks MELODY,
BRIDGE and PIANO; beside it ``chord_midi.txt``, ``beat_midi.txt`` and ``key_audio.txt``.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import mido
import numpy as np
from numpy.typing import NDArray

from training.data.annotation import Annotation
from training.errors import TrainingError

# Every fifth song is never learned from, whatever the seed.
HELD_OUT_EVERY = 5
SUSTAIN_PEDAL = 64  # MIDI controller
PEDAL_DOWN = 64


class Note(NamedTuple):
    """A note of a performance, its times in seconds and its strength from 1 to 127."""

    start_s: float
    end_s: float
    pitch: int
    velocity: int


@dataclass(frozen=True)
class Pop909Song:
    """One song.

    Attributes
    ----------
    folder
        Where it lies; its name is the song's number.
    """

    folder: Path

    @property
    def held_out(self) -> bool:
        """Whether the song is for measuring alone."""
        return int(self.folder.name) % HELD_OUT_EVERY == 0

    @cached_property
    def chords(self) -> Annotation:
        """Which chord sounds when, in Harte's notation."""
        return _segments(self.folder / "chord_midi.txt")

    @cached_property
    def keys(self) -> Annotation:
        """Which key holds when."""
        return _segments(self.folder / "key_audio.txt")

    @cached_property
    def beats_s(self) -> NDArray[np.float64]:
        """When each beat begins."""
        rows = _rows(self.folder / "beat_midi.txt")
        return np.array([float(row[0]) for row in rows])

    def notes(self) -> dict[str, list[Note]]:
        """Return the notes of each track."""
        midi = mido.MidiFile(self.folder / f"{self.folder.name}.mid")
        seconds = _Clock(midi)
        return {track.name: _notes(track, seconds) for track in midi.tracks if track.name}


def read_pop909(folder: Path) -> list[Pop909Song]:
    """Return the songs of a folder by number.

    Raises
    ------
    TrainingError
        It holds none.
    """
    songs = sorted(
        (Pop909Song(file.parent) for file in folder.glob("*/chord_midi.txt")),
        key=lambda song: song.folder.name,
    )
    if not songs:
        raise TrainingError(
            f"{folder} holds no songs: POP909 has a folder for each, with NNN.mid and "
            "chord_midi.txt in it."
        )
    return songs


class _Clock:
    """When the ticks of a MIDI file come, in seconds."""

    def __init__(self, midi: mido.MidiFile) -> None:
        ticks, seconds_a_tick = [0], [500_000e-6 / midi.ticks_per_beat]
        for track in midi.tracks:
            now = 0
            for message in track:
                now += message.time
                if message.type == "set_tempo":
                    ticks.append(now)
                    seconds_a_tick.append(message.tempo * 1e-6 / midi.ticks_per_beat)
        order = np.argsort(ticks, kind="stable")
        self._ticks = np.array(ticks)[order]
        self._seconds_a_tick = np.array(seconds_a_tick)[order]
        steps_s = np.diff(self._ticks) * self._seconds_a_tick[:-1]
        self._starts_s = np.concatenate([[0], np.cumsum(steps_s)])

    def __call__(self, tick: int) -> float:
        n = int(np.searchsorted(self._ticks, tick, side="right")) - 1
        return float(self._starts_s[n] + (tick - self._ticks[n]) * self._seconds_a_tick[n])


def _notes(track: mido.MidiTrack, seconds: _Clock) -> list[Note]:
    keyboard = _Keyboard()
    tick = 0
    for message in track:
        tick += message.time
        if message.type == "control_change" and message.control == SUSTAIN_PEDAL:
            keyboard.pedal(seconds(tick), down=message.value >= PEDAL_DOWN)
        elif message.type == "note_on" and message.velocity > 0:
            keyboard.press(message.note, message.velocity, seconds(tick))
        elif message.type in ("note_on", "note_off"):
            keyboard.release(message.note, seconds(tick))
    keyboard.pedal(seconds(tick), down=False)
    return sorted(keyboard.notes)


class _Keyboard:
    """What sounds while keys are pressed, and on while the pedal is held."""

    def __init__(self) -> None:
        self.notes: list[Note] = []
        self._pressed: dict[int, tuple[float, int]] = {}
        self._ringing: dict[int, tuple[float, int]] = {}
        self._held = False

    def press(self, pitch: int, velocity: int, now_s: float) -> None:
        self._end(self._pressed, pitch, now_s)
        self._end(self._ringing, pitch, now_s)
        self._pressed[pitch] = now_s, velocity

    def release(self, pitch: int, now_s: float) -> None:
        if self._held and pitch in self._pressed:
            self._ringing[pitch] = self._pressed.pop(pitch)
        self._end(self._pressed, pitch, now_s)

    def pedal(self, now_s: float, *, down: bool) -> None:
        self._held = down
        if not down:
            for pitch in list(self._ringing):
                self._end(self._ringing, pitch, now_s)

    def _end(self, sounding: dict[int, tuple[float, int]], pitch: int, now_s: float) -> None:
        if pitch in sounding:
            start_s, velocity = sounding.pop(pitch)
            self.notes.append(Note(start_s, now_s, pitch, velocity))


def _segments(file: Path) -> Annotation:
    rows = _rows(file)
    times = np.array([[float(row[0]), float(row[1])] for row in rows]).reshape(-1, 2)
    return Annotation(times, [row[2] for row in rows])


def _rows(file: Path) -> list[list[str]]:
    try:
        return [line.split() for line in file.read_text("utf-8").splitlines() if line.strip()]
    except FileNotFoundError as error:
        raise TrainingError(f"{file} does not exist.") from error
