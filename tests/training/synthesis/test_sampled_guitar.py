import numpy as np
import pytest
from numpy.typing import NDArray

from tests.training.synthesis.test_soundfont import FONT, needs_fluidsynth
from training.synthesis import sampled_guitar
from training.synthesis.guitar import GuitarSound, render_chord
from training.synthesis.sampled_guitar import (
    GUITAR_PROGRAMS,
    HIGHEST_NOTE,
    LOWEST_NOTE,
    SampledGuitar,
    sampled_guitars,
)

RATE_HZ = 11_025
SOUND = GuitarSound(strum_s=0.0)


def frequency_hz(note: float) -> float:
    return float(440 * 2 ** ((note - 69) / 12))


def strongest_hz(samples: NDArray[np.floating]) -> float:
    power = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), 1 << 18))
    return float(power.argmax() * RATE_HZ / (1 << 18))


@pytest.fixture(scope="module")
def guitar() -> SampledGuitar:
    """A guitar of pure tones, a second long."""
    time_s = np.arange(RATE_HZ) / RATE_HZ
    notes = [np.sin(2 * np.pi * frequency_hz(n) * time_s) for n in range(LOWEST_NOTE, 80)]
    return SampledGuitar(np.array(notes, dtype=np.float32))


def pluck(guitar: SampledGuitar, note: float, n_samples: int = RATE_HZ) -> NDArray[np.float64]:
    return guitar.pluck(frequency_hz(note), n_samples, RATE_HZ, SOUND, np.random.default_rng(0))


@pytest.mark.parametrize("note", [40, 52.2, 60, 63.8, 75.45])
def test_a_string_sounds_at_the_frequency_asked_for(guitar: SampledGuitar, note: float) -> None:
    assert strongest_hz(pluck(guitar, note)) == pytest.approx(frequency_hz(note), rel=5e-4)


def test_a_string_is_no_longer_than_its_note_or_what_was_asked_for(guitar: SampledGuitar) -> None:
    assert len(pluck(guitar, 60, n_samples=500)) == 500
    assert len(pluck(guitar, 60, n_samples=2 * RATE_HZ)) == RATE_HZ
    # Played higher, it is over sooner.
    assert len(pluck(guitar, 60.4, n_samples=2 * RATE_HZ)) < RATE_HZ


def test_a_chord_can_be_longer_than_the_notes(guitar: SampledGuitar) -> None:
    rng = np.random.default_rng(0)
    samples = render_chord(0, "maj", 2.0, RATE_HZ, rng, SOUND, guitar.pluck)

    assert len(samples) == 2 * RATE_HZ
    assert np.abs(samples[: RATE_HZ // 2]).max() > 0.2
    assert np.abs(samples[-RATE_HZ // 2 :]).max() < 0.01


@needs_fluidsynth
def test_every_guitar_of_a_font_has_its_notes_at_their_pitches(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sampled_guitar, "GUITAR_PROGRAMS", GUITAR_PROGRAMS[:2])
    guitars = sampled_guitars(FONT, RATE_HZ)

    assert len(guitars) == 2
    assert not np.array_equal(guitars[0].notes, guitars[1].notes)
    for guitar in guitars:
        assert len(guitar.notes) == HIGHEST_NOTE - LOWEST_NOTE + 1
        for note in (45, 57, 69):
            heard_hz = strongest_hz(pluck(guitar, note))
            # The strongest partial may be any of the first three.
            ratio = heard_hz / frequency_hz(note)
            assert ratio == pytest.approx(round(ratio), rel=0.01)
            assert round(ratio) in (1, 2, 3)
