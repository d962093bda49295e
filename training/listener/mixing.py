"""Mix any two recordings to pieces that nobody has played.

A teacher is asked about the very sound that the student hears, so nothing need be true
to life: the wilder the mixtures, the more of the teacher's ear is put to the test (Beyer
et al. 2022, "Knowledge distillation: a good teacher is patient and consistent").
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import soxr
from numpy.random import Generator
from numpy.typing import NDArray

from training.listener.loudness import brought_to
from training.listener.recordings import (
    MUSIC,
    NOISE,
    RATE_HZ,
    SPEECH,
    Recording,
    Samples,
    Shelf,
)
from training.listener.wear import Wear
from training.networks.listener import KINDS, LOUDNESS_LUFS
from training.synthesis.noises import coloured_noise, hum

PIECE_S = 10.0
PIECE_SAMPLES = round(PIECE_S * RATE_HZ)
LOUDNESS_SPREAD_DB = 3.0

MIXED_SHARE = 2 / 3
SECOND_DB = (-12.0, 6.0)
KIND_SHARES = {MUSIC: 0.86, SPEECH: 0.08, NOISE: 0.06}


@dataclass(frozen=True)
class Piece:
    """Ten seconds of sound.

    Attributes
    ----------
    samples
        Mono at ``RATE_HZ``, shape [``PIECE_SAMPLES``].
    levels
        Power of each of ``KINDS`` in it, shape [3]; they sum to 1.
    """

    samples: Samples
    levels: NDArray[np.float32]


class Mixer:
    """Draws pieces from a shelf.

    Parameters
    ----------
    shelf
        Where the samples are.
    recordings
        Which of its recordings to use.
    wear
        What the mixtures go through.
    """

    def __init__(
        self, shelf: Shelf, recordings: Sequence[Recording], wear: Wear | None = None
    ) -> None:
        self._shelf, self._wear = shelf, wear or Wear()
        self._by_kind = {
            kind: [recording for recording in recordings if recording.kind == kind]
            for kind in (MUSIC, SPEECH)
        }
        self._weights = {kind: _weights(found) for kind, found in self._by_kind.items()}

    def draw(self, rng: Generator) -> Piece:
        """Mix one or two sounds, change them, and bring them to one loudness, or nearly so."""
        kind, mix = self._draw_one(rng)
        levels = np.zeros(len(KINDS), np.float32)
        levels[KINDS.index(kind)] = 1
        if rng.random() < MIXED_SHARE:
            second_kind, second = self._draw_one(rng)
            gain = 10 ** (rng.uniform(*SECOND_DB) / 20)
            mix = mix + np.float32(gain) * second
            levels[KINDS.index(second_kind)] += gain**2
        mix = self._wear.in_room(mix, rng)
        if rng.random() < 0.15:
            gain = 10 ** (rng.uniform(-40, -10) / 20)
            mix = mix + np.float32(gain) * _at_unit_power(coloured_noise(len(mix), rng))
        if rng.random() < 0.03:
            mix = _interrupted(mix, rng)
        mix = self._wear.encoded(mix, rng)
        loud = brought_to(mix - mix.mean(), RATE_HZ, LOUDNESS_LUFS)
        spread = rng.uniform(-LOUDNESS_SPREAD_DB, LOUDNESS_SPREAD_DB)
        return Piece((loud * 10 ** (spread / 20)).astype(np.float32), levels / levels.sum())

    def _draw_one(self, rng: Generator) -> tuple[str, Samples]:
        kinds = [kind for kind in KINDS if kind == NOISE or self._by_kind[kind]]
        shares = np.array([KIND_SHARES[kind] for kind in kinds])
        kind = str(rng.choice(kinds, p=shares / shares.sum()))
        if kind == NOISE:
            sound = _noise(rng)
        else:
            which = int(rng.choice(len(self._by_kind[kind]), p=self._weights[kind]))
            sound = self._stretch(self._by_kind[kind][which], rng)
        return kind, _at_unit_power(_coloured(sound, rng))

    def _stretch(self, recording: Recording, rng: Generator) -> Samples:
        """Take ten seconds of a recording, higher and faster or lower and slower."""
        speed = _speed(rng)
        wanted = round(PIECE_SAMPLES * speed) + 64
        first = int(rng.integers(max(1, recording.n_samples - wanted + 1)))
        taken = self._shelf.read(recording, first, wanted)
        if speed == 1:
            return taken[:PIECE_SAMPLES]
        changed = soxr.resample(taken, round(RATE_HZ * speed), RATE_HZ, quality="LQ")
        return np.asarray(np.resize(changed, PIECE_SAMPLES), np.float32)


def _weights(recordings: Sequence[Recording]) -> NDArray[np.float64]:
    """Draw long recordings more often, but a minute no less than half as often as ten."""
    weights = np.array([recording.duration_s for recording in recordings]) ** 0.5
    return weights / weights.sum() if len(weights) else weights


def _speed(rng: Generator) -> float:
    chance = rng.random()
    if chance < 0.5:
        return 1.0
    semitones = rng.uniform(-2, 2) if chance < 0.85 else rng.uniform(-6, 6)
    return float(2 ** (semitones / 12))


def _noise(rng: Generator) -> Samples:
    render = (hum, _steady_noise)[int(rng.integers(2))]
    return render(PIECE_SAMPLES, RATE_HZ, rng)


def _steady_noise(n_samples: int, _: int, rng: Generator) -> Samples:
    return coloured_noise(n_samples, rng)


def _coloured(sound: Samples, rng: Generator) -> Samples:
    """Send a sound through random filters: an equaliser, and at times a narrow channel."""
    equalised, narrow = rng.random() < 0.5, rng.random() < 0.25
    if not (equalised or narrow):
        return sound
    spectrum = np.fft.rfft(sound)
    frequency_hz = np.fft.rfftfreq(len(sound), 1 / RATE_HZ)
    gain = np.ones(len(frequency_hz), np.float32)
    if equalised:
        octaves = np.log2(np.maximum(frequency_hz, 20) / 20)
        points_db = rng.uniform(-6, 6, 6)
        gain *= 10 ** (np.interp(octaves, np.linspace(0, 9.6, 6), points_db) / 20)
    if narrow:
        low_hz = 2 ** rng.uniform(np.log2(20), np.log2(400))
        high_hz = 2 ** rng.uniform(np.log2(2_000), np.log2(14_000))
        gain *= frequency_hz**2 / (frequency_hz**2 + low_hz**2)
        gain /= 1 + (frequency_hz / high_hz) ** 6
    return np.fft.irfft(spectrum * gain, len(sound)).astype(np.float32)


def _interrupted(sound: Samples, rng: Generator) -> Samples:
    """Leave a stretch of silence, up to half of the piece."""
    length = int(rng.integers(len(sound) // 20, len(sound) // 2))
    start = int(rng.integers(len(sound) - length))
    quiet = sound.copy()
    quiet[start : start + length] = 0
    return quiet


def _at_unit_power(sound: Samples) -> Samples:
    power = float(np.mean(sound**2))
    return (sound / np.float32(np.sqrt(max(power, 1e-12)))).astype(np.float32)
