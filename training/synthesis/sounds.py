"""Synthesise guitar chords and other sounds with a known answer.

Rare chords (diminished, sevenths) have little real audio, and test fixtures must not
hold anybody's recordings, so both are rendered here: strings as decaying partials
with inharmonicity and pluck position (Fletcher and Rossing, The Physics of Musical
Instruments, chapters 2 and 9), fretted voicings, strumming, amplifier distortion and
a decaying room.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from training.data.labels import INTERVALS
from training.synthesis.room import echoes

Waveform = NDArray[np.float32]

STANDARD_TUNING = (40, 45, 50, 55, 59, 64)  # MIDI notes of the open strings
LOWEST_BASS_NOTE = 28  # MIDI
MAX_PARTIALS = 24


@dataclass(frozen=True)
class GuitarSound:
    """What one rendering sounds like.

    Attributes
    ----------
    pluck_position
        Where the string is plucked, as a share of its length.
    brightness
        Exponent of the partials' decay in amplitude: 0.5 is bright, 2 is dull.
    decay_s
        Time for the lowest partials to fall by 60 dB.
    strum_s
        Time between neighbouring strings.
    detune_cents
        Tuning of the whole instrument against A = 440 Hz.
    string_detune_cents
        Spread of the single strings around it.
    drive_db
        Gain into the clipping amplifier; 0 leaves the sound clean.
    room
        Share of the reverberant sound.
    noise_db
        Level of white noise against the peak of the sound.
    """

    pluck_position: float = 0.2
    brightness: float = 1.0
    decay_s: float = 3.0
    strum_s: float = 0.015
    detune_cents: float = 0.0
    string_detune_cents: float = 0.0
    drive_db: float = 0.0
    room: float = 0.0
    noise_db: float = -80.0

    @classmethod
    def random(cls, rng: Generator) -> "GuitarSound":
        """Draw a plausible guitar, amplifier and room."""
        return cls(
            pluck_position=rng.uniform(0.08, 0.45),
            brightness=rng.uniform(0.5, 1.8),
            decay_s=rng.uniform(1.0, 6.0),
            strum_s=rng.uniform(0.0, 0.04),
            detune_cents=rng.uniform(-25, 25),
            string_detune_cents=rng.uniform(0, 8),
            drive_db=rng.uniform(10, 45) if rng.random() < 0.4 else 0.0,
            room=rng.uniform(0.0, 0.5) if rng.random() < 0.5 else 0.0,
            noise_db=rng.uniform(-70, -25),
        )


# Sounds one string: frequency in Hz, at most how many samples, sampling rate, sound, randomness.
Pluck = Callable[[float, int, int, GuitarSound, Generator], NDArray[np.float64]]


def voicing(root: int, quality: str, rng: Generator) -> list[int]:
    """Draw a playable voicing as MIDI notes, string by string, the root on the lowest played.

    Parameters
    ----------
    root
        Pitch class of the root, 0 = C.
    quality
        One of the vocabulary's.
    rng
        Source of randomness.
    """
    wanted = {(root + i) % 12 for i in INTERVALS[quality]}
    while True:
        position = int(rng.integers(0, 9))
        frets = [0, *range(position, position + 5)]
        notes = []
        for open_note in STANDARD_TUNING:
            options = [open_note + f for f in frets if (open_note + f) % 12 in wanted]
            if options and rng.random() < 0.9:
                notes.append(int(rng.choice(options)))
        while notes and notes[0] % 12 != root:
            notes.pop(0)
        if len(notes) >= len(wanted) and {n % 12 for n in notes} == wanted:
            return notes


def bass_note(root: int) -> int:
    """Return the lowest MIDI note of a bass that is of a pitch class."""
    return LOWEST_BASS_NOTE + (root - LOWEST_BASS_NOTE) % 12


def render_notes(
    notes: list[int],
    duration_s: float,
    sample_rate_hz: int,
    sound: GuitarSound,
    rng: Generator,
    pluck: Pluck | None = None,
) -> Waveform:
    """Pluck the notes one after the other; return the waveform, peak 0.5.

    The strings are calculated unless another way to pluck them is given.
    """
    pluck = pluck or pluck_string
    n_samples = int(duration_s * sample_rate_hz)
    mix = np.zeros(n_samples)
    upwards = rng.random() < 0.25
    for order, note in enumerate(reversed(notes) if upwards else notes):
        start = int(order * sound.strum_s * rng.uniform(0.7, 1.3) * sample_rate_hz)
        cents = sound.detune_cents + sound.string_detune_cents * rng.standard_normal()
        frequency_hz = 440 * 2 ** ((note - 69) / 12 + cents / 1200)
        if start < n_samples:
            string = pluck(frequency_hz, n_samples - start, sample_rate_hz, sound, rng)
            mix[start : start + len(string)] += rng.uniform(0.5, 1.0) * string
    mix = _amplify(_normalise(mix), sound.drive_db)
    mix = _normalise(_reverberate(mix, sample_rate_hz, sound.room, rng))
    mix += 10 ** (sound.noise_db / 20) * rng.standard_normal(n_samples)
    return (0.5 * mix).astype(np.float32)


def render_chord(
    root: int,
    quality: str,
    duration_s: float,
    sample_rate_hz: int,
    rng: Generator,
    sound: GuitarSound | None = None,
    pluck: Pluck | None = None,
) -> Waveform:
    """Strum one chord in a random voicing; see :func:`voicing` and :func:`render_notes`."""
    sound = sound or GuitarSound.random(rng)
    notes = voicing(root, quality, rng)
    return render_notes(notes, duration_s, sample_rate_hz, sound, rng, pluck)


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
        mix += rng.uniform(0.1, 1.0) * _drum_hits(len(chord), sample_rate_hz, rng)
    return (0.5 * _normalise(mix)).astype(np.float32)


def render_no_chord(
    duration_s: float, sample_rate_hz: int, rng: Generator, pluck: Pluck | None = None
) -> Waveform:
    """Render something that is no chord: noise, drums, a single note, silence or nearly so."""
    kind = int(rng.integers(0, 5))
    n_samples = int(duration_s * sample_rate_hz)
    if kind == 0:
        return coloured_noise(n_samples, rng)
    if kind == 1:
        return _drum_hits(n_samples, sample_rate_hz, rng)
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


def coloured_noise(n_samples: int, rng: Generator) -> Waveform:
    """Render noise from white to pink, at a random level."""
    spectrum = np.fft.rfft(rng.standard_normal(n_samples))
    frequency = np.arange(1, len(spectrum) + 1)
    noise = np.fft.irfft(spectrum / frequency ** rng.uniform(0, 1), n_samples)
    return (rng.uniform(0.01, 0.5) * _normalise(noise)).astype(np.float32)


def hum(n_samples: int, rate_hz: int, rng: Generator) -> Waveform:
    """Render one steady tone with a few partials, from mains hum to a test tone."""
    partial_hz = rng.uniform(45, 2000) * np.arange(1, int(rng.integers(2, 9)))
    partial_hz = partial_hz[partial_hz < 0.48 * rate_hz]
    t = np.arange(n_samples) / rate_hz
    level = rng.uniform(0.2, 1, len(partial_hz))
    tone = level @ np.sin(2 * np.pi * np.outer(partial_hz, t))
    noise = 10 ** rng.uniform(-4, -1) * rng.standard_normal(n_samples)
    return (0.5 * _normalise(_normalise(tone) + noise)).astype(np.float32)


def pluck_string(
    frequency_hz: float, n_samples: int, rate_hz: int, sound: GuitarSound, rng: Generator
) -> NDArray[np.float64]:
    """Calculate a string as :data:`Pluck`, by its partials; shape [n_samples]."""
    k = np.arange(1, MAX_PARTIALS + 1)
    inharmonicity = 1e-4 * rng.uniform(0.3, 2.0)
    partial_hz = k * frequency_hz * np.sqrt(1 + inharmonicity * k**2)
    audible = partial_hz < 0.48 * rate_hz
    k, partial_hz = k[audible], partial_hz[audible]
    amplitude = np.abs(np.sin(np.pi * k * sound.pluck_position)) / k**sound.brightness + 0.01 / k
    decay_per_s = 6.9 / sound.decay_s * (1 + (partial_hz / 1500) ** 1.3)
    phase = rng.uniform(0, 2 * np.pi, len(k))
    # A partial is a power series of one complex step. Split into coarse and fine powers,
    # the sum over partials is one small matrix product instead of a sine per sample.
    log_step = (2j * np.pi * partial_hz - decay_per_s) / rate_hz
    block = 1 + int(n_samples**0.5)
    coarse = amplitude * np.exp(np.outer(np.arange(block) * block, log_step) + 1j * phase)
    fine = np.exp(np.outer(log_step, np.arange(block)))
    string: NDArray[np.float64] = (coarse @ fine).imag.reshape(-1)[:n_samples]
    return string


def _amplify(x: NDArray[np.float64], drive_db: float) -> NDArray[np.float64]:
    if drive_db == 0:
        return x
    clipped: NDArray[np.float64] = np.tanh(10 ** (drive_db / 20) * x)
    return clipped


def _reverberate(
    x: NDArray[np.float64], rate_hz: int, share: float, rng: Generator
) -> NDArray[np.float64]:
    if share == 0:
        return x
    wet = echoes(x, rate_hz, rng, tail_s=0.4, slowest_decay_s=0.12)
    return (1 - share) * x + share * wet


def _normalise(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return x / max(float(np.abs(x).max(initial=0.0)), 1e-9)


def _drum_hits(n_samples: int, rate_hz: int, rng: Generator) -> Waveform:
    out = np.zeros(n_samples)
    t = np.arange(int(0.3 * rate_hz)) / rate_hz
    for start in rng.integers(0, max(1, n_samples - len(t)), int(rng.integers(2, 9))):
        thump_hz = rng.uniform(45, 120)
        thump = np.sin(2 * np.pi * thump_hz * t * np.exp(-4 * t)) * np.exp(-t * 18)
        hiss = rng.standard_normal(len(t)) * np.exp(-t * rng.uniform(20, 80))
        hit = rng.random() * thump + rng.random() * hiss
        out[start : start + len(t)] += hit[: n_samples - start]
    return (0.5 * _normalise(out)).astype(np.float32)


def render_golden_clip(duration_s: float, sample_rate_hz: int) -> Waveform:
    """Render the clip that every bundle proves itself on: a strummed chord over drums."""
    rng = np.random.default_rng(2026)
    chord = render_chord(9, "min", duration_s, sample_rate_hz, rng, GuitarSound())
    drums = _drum_hits(len(chord), sample_rate_hz, rng)
    mix: Waveform = (chord + np.float32(0.3) * drums).astype(np.float32)
    return mix
