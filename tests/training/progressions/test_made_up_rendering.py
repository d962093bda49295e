from pathlib import Path

import pytest
import soundfile

from tests.training.synthesis.test_soundfont import FONT, needs_fluidsynth
from training.data.labels import CHORDS, canonical_label
from training.data.song_folder import read_song_folder
from training.errors import TrainingError
from training.progressions.made_up_rendering import render_made_up
from training.progressions.rendering import RATE_HZ


@needs_fluidsynth
def test_made_up_songs_are_rendered_once_with_their_chords(tmp_path: Path) -> None:
    assert render_made_up(tmp_path, [FONT], count=2, seed=1) == 2

    first, second = read_song_folder(tmp_path)
    assert first.group != second.group
    samples, rate_hz = soundfile.read(first.audio)
    assert rate_hz == RATE_HZ
    assert len(samples) / rate_hz == pytest.approx(first.chords.intervals_s[-1, 1], abs=0.01)
    assert {canonical_label("chord", label) for label in first.chords.labels} <= set(CHORDS)
    before = first.audio.stat().st_mtime_ns
    render_made_up(tmp_path, [FONT], count=2, seed=1)
    assert first.audio.stat().st_mtime_ns == before


def test_without_the_font_nothing_is_begun(tmp_path: Path) -> None:
    with pytest.raises(TrainingError):
        render_made_up(tmp_path / "out", [tmp_path / "none.sf2"], count=1, seed=1)
    assert not (tmp_path / "out").exists()
