"""Write songs in the layout of POP909."""

from collections.abc import Sequence
from pathlib import Path

import mido

CHORDS = (("C:maj", 2.0), ("A:min7", 2.0), ("F:sus4/5", 2.0), ("N", 1.0), ("G:7", 3.0))


def write_song(
    folder: Path,
    number: str = "007",
    key: str = "C:maj",
    repeats: int = 4,
    *,
    accompanied: bool = False,
) -> Path:
    """Write a song of chords at 120 beats a minute, its tune an A; return the folder of songs.

    It may have an accompaniment of its own, which plays the tune.
    """
    song = folder / number
    song.mkdir(parents=True)
    now_s, lines = 0.0, []
    for chord, length_s in CHORDS * repeats:
        lines.append(f"{now_s:.6f}\t{now_s + length_s:.6f}\t{chord}")
        now_s += length_s
    (song / "chord_midi.txt").write_text("\n".join(lines) + "\n", "utf-8")
    beats = [f"{n / 2} {float(n % 2 == 0)} {float(n % 4 == 0)}" for n in range(int(2 * now_s))]
    (song / "beat_midi.txt").write_text("\n".join(beats) + "\n", "utf-8")
    (song / "key_audio.txt").write_text(f"0.0\t{now_s}\t{key}\n", "utf-8")
    names = ("MELODY", "PIANO") if accompanied else ("MELODY",)
    _tunes(now_s, names).save(song / f"{number}.mid")
    return folder


def _tunes(duration_s: float, names: Sequence[str]) -> mido.MidiFile:
    """Return tracks of notes of a second each; the tempo doubles after the first."""
    midi = mido.MidiFile(ticks_per_beat=480)
    tempo = mido.MidiTrack()
    tempo.append(mido.MetaMessage("set_tempo", tempo=1_000_000))
    tempo.append(mido.MetaMessage("set_tempo", tempo=500_000, time=480))
    midi.tracks.append(tempo)
    for name in names:
        track = mido.MidiTrack()
        track.append(mido.MetaMessage("track_name", name=name))
        for second in range(int(duration_s)):
            track.append(mido.Message("note_on", note=69, velocity=80))
            track.append(mido.Message("note_off", note=69, time=480 if second == 0 else 960))
        midi.tracks.append(track)
    return midi
