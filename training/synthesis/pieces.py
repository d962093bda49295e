"""Make up short pieces of music by artists who do not exist, to try and to teach with.

A piece has a style, which says how fast it is, which chords it uses and how much it is
drummed, and an artist, who plays the same guitar in the same studio in every piece. What
tells the styles apart overlaps, and what tells the artists apart does not, as it is with
recordings of real people: a network that has heard an artist knows the artist.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import soundfile
from numpy.random import Generator
from numpy.typing import NDArray

from training.synthesis.guitar import GuitarSound, render_notes, voicing
from training.synthesis.sounds import bass_note
from training.synthesis.waveform import Waveform

RATE_HZ = 22_050
ROOTS = (0, 2, 5, 7, 9)  # pitch classes of the chords, in C
LEVEL_PEAK = 0.5


@dataclass(frozen=True)
class Style:
    """What the pieces of one label have in common.

    Attributes
    ----------
    tempo_bpm
        Range that the tempo is drawn from.
    qualities
        Of the chords, as often as they are named.
    drum_level
        Range of the level of the drums beside the guitar.
    drive_db
        Range of the gain into the amplifier; 0 is clean.
    """

    tempo_bpm: tuple[float, float]
    qualities: tuple[str, ...]
    drum_level: tuple[float, float]
    drive_db: tuple[float, float] = (0.0, 0.0)


STYLES = {
    "ballad": Style((66, 96), ("min", "min", "maj", "m7"), (0.0, 0.25)),
    "dance": Style((100, 136), ("min", "maj", "7"), (0.3, 1.0)),
    "rock": Style((84, 132), ("maj", "maj", "min"), (0.2, 0.8), (12.0, 35.0)),
}


@dataclass(frozen=True)
class Artist:
    """Who plays, and where: the same in every piece.

    Attributes
    ----------
    sound
        The guitar.
    tilt_db
        By how much the studio lifts each octave above 1 kHz, and lowers each below.
    hiss
        Level of the tape's noise.
    """

    sound: GuitarSound
    tilt_db: float
    hiss: float

    @classmethod
    def random(cls, rng: Generator) -> "Artist":
        """Draw a guitar and a studio."""
        return cls(GuitarSound.random(rng), rng.uniform(-5, 3), 10 ** rng.uniform(-4, -2))


def render_piece(
    style: Style, artist: Artist, rng: Generator, *, duration_s: float, rate_hz: int = RATE_HZ
) -> Waveform:
    """Play one piece of a style by an artist, shape [duration_s * rate_hz]."""
    beat_s = 60 / rng.uniform(*style.tempo_bpm)
    sound = replace(artist.sound, drive_db=rng.uniform(*style.drive_db))
    n_samples = round(duration_s * rate_hz)
    bar = round(4 * beat_s * rate_hz)
    mix = np.zeros(n_samples + bar)
    for start in range(0, n_samples, bar):
        root, quality = int(rng.choice(ROOTS)), str(rng.choice(style.qualities))
        bass = bass_note(root)
        notes = [bass, *voicing(root, quality, rng)]
        chord = render_notes(notes, bar / rate_hz, rate_hz, sound, rng)
        mix[start : start + len(chord)] += chord
    mix = mix[:n_samples]
    mix += rng.uniform(*style.drum_level) * _beat(n_samples, beat_s, rate_hz, rng)
    mix = _tilted(mix, artist.tilt_db, rate_hz)
    mix *= LEVEL_PEAK / max(float(np.abs(mix).max()), 1e-9)
    return (mix + artist.hiss * rng.standard_normal(n_samples)).astype(np.float32)


def write_pieces(
    folder: Path,
    *,
    artists: int,
    pieces: int,
    duration_s: float,
    styles: tuple[str, ...] = tuple(STYLES),
    seed: int = 0,
) -> Path:
    """Write ``STYLE/artist-N/M.wav``, as ``fit`` reads it; return the folder.

    Parameters
    ----------
    folder
        Where the folders of the styles go.
    artists, pieces
        Artists of each style, and pieces of each artist.
    duration_s
        Length of a piece.
    styles
        Keys of ``STYLES``.
    seed
        The same one gives the same pieces.
    """
    rng = np.random.default_rng(seed)
    for name in styles:
        for number in range(artists):
            artist = Artist.random(rng)
            for piece in range(pieces):
                file = folder / name / f"{name}-artist-{number}" / f"{piece}.wav"
                file.parent.mkdir(parents=True, exist_ok=True)
                samples = render_piece(STYLES[name], artist, rng, duration_s=duration_s)
                soundfile.write(file, samples, RATE_HZ)
    return folder


def _beat(n_samples: int, beat_s: float, rate_hz: int, rng: Generator) -> NDArray[np.float64]:
    """Play a drum and a snare in turn, one a beat, peak about 0.5."""
    out = np.zeros(n_samples)
    time_s = np.arange(round(0.2 * rate_hz)) / rate_hz
    drum = np.sin(2 * np.pi * 90 * time_s * np.exp(-5 * time_s)) * np.exp(-25 * time_s)
    snare = rng.standard_normal(len(time_s)) * np.exp(-35 * time_s) / 3
    for number, start_s in enumerate(np.arange(0, n_samples / rate_hz, beat_s)):
        start = round(start_s * rate_hz)
        hit = (snare if number % 2 else drum)[: n_samples - start]
        out[start : start + len(hit)] += 0.5 * hit
    return out


def _tilted(samples: NDArray[np.float64], tilt_db: float, rate_hz: int) -> NDArray[np.float64]:
    spectrum = np.fft.rfft(samples)
    octaves = np.log2(np.maximum(np.fft.rfftfreq(len(samples), 1 / rate_hz), 60) / 1_000)
    tilted: NDArray[np.float64] = np.fft.irfft(
        spectrum * 10 ** (tilt_db * octaves / 20), len(samples)
    )
    return tilted
