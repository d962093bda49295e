import shutil
import subprocess
from pathlib import Path

import mido
import numpy as np
import pytest

from training.errors import TrainingError
from training.synthesis.soundfont import PROGRAM, render_midi

FONT = Path("/usr/share/sounds/sf2/TimGM6mb.sf2")

needs_fluidsynth = pytest.mark.skipif(
    shutil.which(PROGRAM) is None or not FONT.exists(), reason="no fluidsynth or no SoundFont"
)


def one_note(note: int = 69, duration_s: float = 1.0) -> mido.MidiFile:
    """Return a song of one organ note; 480 ticks are half a second."""
    track = mido.MidiTrack()
    track.append(mido.Message("program_change", program=19))
    track.append(mido.Message("note_on", note=note, velocity=100))
    track.append(mido.Message("note_off", note=note, time=round(960 * duration_s)))
    midi = mido.MidiFile(ticks_per_beat=480)
    midi.tracks.append(track)
    return midi


@needs_fluidsynth
def test_a_note_sounds_at_its_pitch_and_for_its_time() -> None:
    samples = render_midi(one_note(), FONT, 11_025)

    assert samples.dtype == np.float32
    assert samples.ndim == 1
    assert len(samples) >= 11_025
    spectrum = np.abs(np.fft.rfft(samples[2_000:10_000] * np.hanning(8_000)))
    frequency_hz = np.fft.rfftfreq(8_000, 1 / 11_025)
    near = (frequency_hz > 425) & (frequency_hz < 455)
    assert spectrum[near].max() > 0.3 * spectrum.max()
    assert frequency_hz[near][spectrum[near].argmax()] == pytest.approx(440, abs=3)


@needs_fluidsynth
def test_a_file_that_is_no_font_is_an_error(tmp_path: Path) -> None:
    font = tmp_path / "broken.sf2"
    font.write_bytes(b"no font")
    with pytest.raises(TrainingError, match="cannot render with"):
        render_midi(one_note(), font, 11_025)


def test_a_missing_program_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(TrainingError, match="fluidsynth is not installed"):
        render_midi(one_note(), tmp_path / "any.sf2", 11_025)


def test_a_missing_font_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: "fluidsynth")
    with pytest.raises(TrainingError, match=r"There is no SoundFont .*missing\.sf2"):
        render_midi(one_note(), tmp_path / "missing.sf2", 11_025)


def test_a_program_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def hang(*_: object, **__: object) -> None:
        raise subprocess.TimeoutExpired(PROGRAM, 1)

    font = tmp_path / "font.sf2"
    font.write_bytes(b"font")
    monkeypatch.setattr(shutil, "which", lambda _: "fluidsynth")
    monkeypatch.setattr(subprocess, "run", hang)
    with pytest.raises(TrainingError, match="did not end"):
        render_midi(one_note(), font, 11_025)
