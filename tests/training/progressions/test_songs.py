import numpy as np
import pytest

from tests.training.synthesis.test_soundfont import FONT, needs_fluidsynth
from training.data.labels import CHORDS, INTERVALS, chord_label
from training.progressions.songs import (
    BASS_CHANNEL,
    DURATION_S,
    GUITAR_CHANNEL,
    GUITARS,
    TICKS_PER_BEAT,
    Song,
    render_songs,
    write_song,
)
from training.synthesis.midi import DRUM_CHANNEL


@pytest.fixture(scope="module", params=range(12))
def song(request: pytest.FixtureRequest) -> Song:
    return write_song(np.random.default_rng(request.param), "steel")


def notes_of(song: Song, channel: int) -> list[tuple[float, int]]:
    """Return beat and number of each note that begins on a channel."""
    notes = []
    for track in song.midi.tracks:
        tick = 0
        for message in track:
            tick += message.time
            if message.type == "note_on" and message.channel == channel:
                notes.append((tick / TICKS_PER_BEAT, message.note))
    return sorted(notes)


def test_the_guitar_plays_all_notes_of_each_chord_and_no_other(song: Song) -> None:
    edges = np.concatenate([[0], np.cumsum(song.beats)])
    notes = notes_of(song, GUITAR_CHANNEL)
    for (root, quality), start, end in zip(song.chords, edges, edges[1:], strict=False):
        played = {note % 12 for beat, note in notes if start <= beat < end}
        assert played == {(root + i) % 12 for i in INTERVALS[quality]}


def test_the_bass_begins_each_chord_on_its_root(song: Song) -> None:
    starts = np.concatenate([[0], np.cumsum(song.beats)[:-1]])
    bass = dict(notes_of(song, BASS_CHANNEL))
    assert [bass[float(start)] % 12 for start in starts] == [root for root, _ in song.chords]
    assert all(28 <= note <= 47 for note in bass.values())


def test_chords_change_and_last_one_to_four_seconds_and_drums_play(song: Song) -> None:
    assert all(a != b for a, b in zip(song.chords[:-1], song.chords[1:], strict=True))
    lengths_s = np.array(song.beats) * 60 / song.tempo_bpm
    assert lengths_s.min() >= 0.8
    assert DURATION_S <= lengths_s.sum() < 2 * DURATION_S
    assert song.midi.length == pytest.approx(lengths_s.sum(), abs=0.01)
    assert len(notes_of(song, DRUM_CHANNEL)) >= 2 * sum(song.beats)


def test_all_qualities_many_roots_and_tempi_occur() -> None:
    rng = np.random.default_rng(0)
    songs = [write_song(rng, "nylon") for _ in range(60)]
    chords = {chord_label(*chord) for song in songs for chord in song.chords}
    assert len(chords) > 50
    assert chords <= set(CHORDS)
    usual = {"maj", "min", "dim", "7", "maj7", "m7"}
    assert {quality for song in songs for _, quality in song.chords} == usual
    tempi = [song.tempo_bpm for song in songs]
    assert min(tempi) < 80
    assert max(tempi) > 130


def test_songs_are_written_from_the_sequences_that_are_given() -> None:
    song = write_song(np.random.default_rng(0), "steel", [((0, "m7"), (6, "dim"))])
    (first, _), (second, _) = song.chords[:2]
    assert [quality for _, quality in song.chords[:4]] == ["m7", "dim", "m7", "dim"]
    assert (second - first) % 12 == 6


@needs_fluidsynth
def test_rendered_songs_sound_until_their_end_and_use_every_guitar() -> None:
    songs = render_songs(FONT, 11_025, count=len(GUITARS), seed=1)
    assert [song.group for song in songs] == list(GUITARS)
    for song in songs:
        assert song.data_set == "songs by TimGM6mb"
        assert len(song.samples) / 11_025 == pytest.approx(song.edges_s[-1], abs=1e-3)
        loudness = [np.abs(part).max() for part in np.array_split(song.samples, 20)]
        assert min(loudness) > 0.1 * max(loudness)
