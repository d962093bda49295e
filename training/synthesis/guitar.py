"""Synthesise guitars: strings as decaying partials, voicings, strumming, amplifier and room.

The partials have inharmonicity and a pluck position (Fletcher and Rossing, The Physics of Musical
Instruments, chapters 2 and 9).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from training.data.labels import INTERVALS
from training.synthesis.room import echoes
from training.synthesis.waveform import Waveform, normalised

STANDARD_TUNING = (40, 45, 50, 55, 59, 64)  # MIDI notes of the open strings
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
    mix = _amplify(normalised(mix), sound.drive_db)
    mix = normalised(_reverberate(mix, sample_rate_hz, sound.room, rng))
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
