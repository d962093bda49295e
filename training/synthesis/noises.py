"""Synthesise what no guitar plays: noise, hum and drums."""

import numpy as np
from numpy.random import Generator

from training.synthesis.waveform import Waveform, normalised


def coloured_noise(n_samples: int, rng: Generator) -> Waveform:
    """Render noise from white to pink, at a random level."""
    spectrum = np.fft.rfft(rng.standard_normal(n_samples))
    frequency = np.arange(1, len(spectrum) + 1)
    noise = np.fft.irfft(spectrum / frequency ** rng.uniform(0, 1), n_samples)
    return (rng.uniform(0.01, 0.5) * normalised(noise)).astype(np.float32)


def hum(n_samples: int, rate_hz: int, rng: Generator) -> Waveform:
    """Render one steady tone with a few partials, from mains hum to a test tone."""
    partial_hz = rng.uniform(45, 2000) * np.arange(1, int(rng.integers(2, 9)))
    partial_hz = partial_hz[partial_hz < 0.48 * rate_hz]
    t = np.arange(n_samples) / rate_hz
    level = rng.uniform(0.2, 1, len(partial_hz))
    tone = level @ np.sin(2 * np.pi * np.outer(partial_hz, t))
    noise = 10 ** rng.uniform(-4, -1) * rng.standard_normal(n_samples)
    return (0.5 * normalised(normalised(tone) + noise)).astype(np.float32)


def drum_hits(n_samples: int, rate_hz: int, rng: Generator) -> Waveform:
    """Render some hits of a drum at random times."""
    out = np.zeros(n_samples)
    t = np.arange(int(0.3 * rate_hz)) / rate_hz
    for start in rng.integers(0, max(1, n_samples - len(t)), int(rng.integers(2, 9))):
        thump_hz = rng.uniform(45, 120)
        thump = np.sin(2 * np.pi * thump_hz * t * np.exp(-4 * t)) * np.exp(-t * 18)
        hiss = rng.standard_normal(len(t)) * np.exp(-t * rng.uniform(20, 80))
        hit = rng.random() * thump + rng.random() * hiss
        out[start : start + len(t)] += hit[: n_samples - start]
    return (0.5 * normalised(out)).astype(np.float32)
