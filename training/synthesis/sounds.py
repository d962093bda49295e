"""Sounds with a known answer, to learn from and to test with.

Rare chords have little real audio, and test fixtures must not hold anybody's recordings, so both
are rendered: chords alone (:mod:`training.synthesis.guitar`) or accompanied, and what is no chord.
"""

import numpy as np
from numpy.random import Generator

from training.data.labels import INTERVALS
from training.synthesis.guitar import GuitarSound, Pluck, render_chord, render_notes
from training.synthesis.noises import coloured_noise, drum_hits, hum
from training.synthesis.waveform import Waveform, normalised

LOWEST_BASS_NOTE = 28  # MIDI: E1, a bass guitar's lowest string


def bass_note(root: int) -> int:
    """Return the lowest MIDI note of a bass that is of a pitch class, 0 = C."""
    return LOWEST_BASS_NOTE + (root - LOWEST_BASS_NOTE) % 12


def accompany(chord: Waveform, root: int, sample_rate_hz: int, rng: Generator) -> Waveform:
    """Add a bass on the root, drums or both to a chord, as a song has them; peak 0.5."""
    duration_s = len(chord) / sample_rate_hz
    mix = chord.astype(np.float64)
    bass, drums = ((True, True), (True, False), (False, True))[int(rng.integers(3))]
    if bass:
        sound = GuitarSound(brightness=rng.uniform(1, 2), decay_s=rng.uniform(1, 4))
        bass_line = render_notes([bass_note(root)], duration_s, sample_rate_hz, sound, rng)
        mix += rng.uniform(0.3, 1.2) * bass_line
    if drums:
        mix += rng.uniform(0.1, 1.0) * drum_hits(len(chord), sample_rate_hz, rng)
    return (0.5 * normalised(mix)).astype(np.float32)


def render_no_chord(
    duration_s: float, sample_rate_hz: int, rng: Generator, pluck: Pluck | None = None
) -> Waveform:
    """Render something that is no chord: noise, drums, a single note, silence or nearly so."""
    kind = int(rng.integers(0, 5))
    n_samples = int(duration_s * sample_rate_hz)
    if kind == 0:
        return coloured_noise(n_samples, rng)
    if kind == 1:
        return drum_hits(n_samples, sample_rate_hz, rng)
    if kind == 2:
        note = int(rng.integers(40, 76))
        sound = GuitarSound.random(rng)
        return render_notes([note], duration_s, sample_rate_hz, sound, rng, pluck)
    if kind == 3:
        return np.zeros(n_samples, dtype=np.float32)
    return (1e-5 * rng.standard_normal(n_samples)).astype(np.float32)


def render_no_music(
    duration_s: float, sample_rate_hz: int, rng: Generator, pluck: Pluck | None = None
) -> Waveform:
    """Render a sound that has no style: noise, a hum, a single chord or near silence."""
    kind = int(rng.integers(0, 4))
    n_samples = int(duration_s * sample_rate_hz)
    if kind == 0:
        return coloured_noise(n_samples, rng)
    if kind == 1:
        return hum(n_samples, sample_rate_hz, rng)
    if kind == 2:
        root, quality = int(rng.integers(12)), str(rng.choice(list(INTERVALS)))
        return render_chord(root, quality, duration_s, sample_rate_hz, rng, pluck=pluck)
    return (1e-5 * rng.standard_normal(n_samples)).astype(np.float32)


def render_golden_clip(duration_s: float, sample_rate_hz: int) -> Waveform:
    """Render the clip that every bundle proves itself on: a strummed chord over drums."""
    rng = np.random.default_rng(2026)
    chord = render_chord(9, "min", duration_s, sample_rate_hz, rng, GuitarSound())
    drums = drum_hits(len(chord), sample_rate_hz, rng)
    mix: Waveform = (chord + np.float32(0.3) * drums).astype(np.float32)
    return mix
