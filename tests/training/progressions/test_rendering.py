import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.training.songs909 import write_song
from tests.training.synthesis.test_soundfont import FONT, needs_fluidsynth
from training.data.song_folder import read_song_folder
from training.errors import TrainingError
from training.progressions.rendering import RATE_HZ, RenderJob, render


def make_job(tmp_path: Path) -> RenderJob:
    songs = write_song(tmp_path / "pop909")
    write_song(songs, "010", key="A:min")
    return RenderJob(songs, [FONT], tmp_path / "out", False, 5, 6.0, 1)


@needs_fluidsynth
def test_songs_to_learn_from_are_rendered_with_their_chords_and_key(tmp_path: Path) -> None:
    job = make_job(tmp_path)
    assert render(job) == 1
    (song,) = read_song_folder(job.out)
    samples, rate_hz = soundfile.read(song.audio)
    assert rate_hz == RATE_HZ
    assert len(samples) == 6 * RATE_HZ
    assert np.abs(samples).max() == pytest.approx(0.7, abs=0.01)
    assert song.group == "007"
    assert song.chords.intervals_s[-1, 1] == pytest.approx(6.0)
    assert song.keys is not None
    told = json.loads(song.audio.with_suffix(".jams").read_text("utf-8"))
    assert "tuning_cents" in told["sandbox"]


@needs_fluidsynth
def test_held_out_songs_are_others_and_what_is_there_stays(tmp_path: Path) -> None:
    job = replace(make_job(tmp_path), held_out=True)
    render(job)
    (song,) = read_song_folder(job.out)
    assert song.group == "010"
    before = song.audio.stat().st_mtime_ns
    render(job)
    assert song.audio.stat().st_mtime_ns == before
    song.audio.with_suffix(".jams").unlink()
    samples = soundfile.read(song.audio)[0]
    render(job)
    assert np.array_equal(samples, soundfile.read(song.audio)[0])


@needs_fluidsynth
def test_exact_notes_are_another_recording_of_the_same_chords(tmp_path: Path) -> None:
    songs = write_song(tmp_path / "accompanied", accompanied=True)
    job = replace(make_job(tmp_path), pop909=songs)
    exact = replace(job, out=tmp_path / "exact", exact_notes=True)
    render(job)
    render(exact)
    (song,), (other,) = read_song_folder(job.out), read_song_folder(exact.out)
    assert song.chords.labels == other.chords.labels
    assert not np.array_equal(soundfile.read(song.audio)[0], soundfile.read(other.audio)[0])


def test_a_missing_font_is_found_before_anything_is_rendered(tmp_path: Path) -> None:
    job = replace(make_job(tmp_path), soundfonts=[tmp_path / "missing.sf2"])
    with pytest.raises(TrainingError, match=r"fluidsynth|SoundFont"):
        render(job)
    assert not job.out.exists()
