"""Notes as MIDI messages, with the numbers that General MIDI gives to drums."""

from collections.abc import Iterable

import mido

DRUM_CHANNEL = 9
KICK, SNARE, CLOSED_HAT, OPEN_HAT, RIDE = 36, 38, 42, 46, 51

TickedNote = tuple[int, int, int, int]
"""First and last tick, pitch, and velocity from 1 to 127."""


def append_notes(track: mido.MidiTrack, channel: int, notes: Iterable[TickedNote]) -> int:
    """Append notes, which come in any order, to a track whose messages are all at its beginning.

    Returns
    -------
    int
        The tick at which the last note ends.
    """
    events = []
    for first, last, pitch, velocity in notes:
        # One of no length would end before it begins, and then sound for ever.
        if first == last:
            continue
        for tick, kind, loudness in ((first, "note_on", velocity), (last, "note_off", 0)):
            message = mido.Message(kind, channel=channel, note=pitch, velocity=loudness)
            events.append((tick, kind == "note_on", message))
    now = 0
    # Notes end before others begin, so that a repeated one sounds again.
    for tick, _, message in sorted(events, key=lambda e: e[:2]):
        track.append(message.copy(time=tick - now))
        now = tick
    return now
