"""Change training windows so that the network learns what does not matter.

All functions take one window, shape [frames, bands] with values 0 to 1, and a random
generator, and return a new window of the same shape.
"""

from collections.abc import Callable

import numpy as np
from numpy.random import Generator

from service.inference.features import Grid

Augment = Callable[[Grid, int, Generator], tuple[Grid, int]]
"""Changes one window; may change the index of its label with it (a transposed chord)."""


def delay(window: Grid, rng: Generator, *, chance: float = 0.2) -> Grid:
    """Let the sound begin later: silence in front, up to half a window."""
    if rng.random() >= chance:
        return window
    frames = int(rng.integers(1, len(window) // 2))
    return np.concatenate([np.zeros_like(window[:frames]), window[:-frames]])


def cut_short(window: Grid, rng: Generator, *, shortest: int, chance: float = 0.3) -> Grid:
    """Let the sound end sooner: silence from some frame on, never before the shortest."""
    if rng.random() >= chance:
        return window
    cut = window.copy()
    cut[int(rng.integers(shortest, len(window))) :] = 0
    return cut


def shift_bands(window: Grid, bands: int) -> Grid:
    """Move everything up by some bands (down if negative); what comes in is silence."""
    moved = np.roll(window, bands, axis=1)
    if bands > 0:
        moved[:, :bands] = 0
    elif bands < 0:
        moved[:, bands:] = 0
    return moved


def detune(window: Grid, rng: Generator) -> Grid:
    """Shift by a random part of one band, up or down."""
    part = rng.uniform(-1, 1)
    neighbour = shift_bands(window, 1 if part > 0 else -1)
    detuned: Grid = ((1 - abs(part)) * window + abs(part) * neighbour).astype(np.float32)
    return detuned


def tilt(window: Grid, rng: Generator, *, most: float) -> Grid:
    """Add a random level and slope over the bands to all that sounds, as an equaliser would."""
    bands = window.shape[1]
    slope = np.linspace(rng.uniform(-most, most), rng.uniform(-most, most), bands)
    tilted: Grid = np.clip(window + slope.astype(np.float32) * (window > 0), 0, 1)
    return tilted


def raise_floor(window: Grid, rng: Generator, *, most: float, chance: float = 0.3) -> Grid:
    """Lose the quietest part of the range, as in noise or heavy compression."""
    if rng.random() >= chance:
        return window
    floor = np.float32(rng.uniform(0, most))
    raised: Grid = np.clip((window - floor) / (1 - floor), 0, 1)
    return raised


def drown(window: Grid, rng: Generator, *, most: float, chance: float = 0.3) -> Grid:
    """Let nothing be quieter than a random level, as in noise or a picture of small range."""
    if rng.random() >= chance:
        return window
    drowned: Grid = np.maximum(window, np.float32(rng.uniform(0, most)))
    return drowned


def mask(window: Grid, rng: Generator, *, most: int, chance: float = 0.5) -> Grid:
    """Silence a random stretch of time and of bands (SpecAugment, Park et al. 2019)."""
    masked = window.copy()
    for axis in (0, 1):
        if rng.random() < chance:
            width = int(rng.integers(1, most + 1))
            start = int(rng.integers(0, max(1, window.shape[axis] - width)))
            place = slice(start, start + width)
            masked[place if axis == 0 else (slice(None), place)] = 0
    return masked


def limit_band(window: Grid, rng: Generator, *, lowest: int, chance: float = 0.3) -> Grid:
    """Silence all bands above a random one, as a low sampling rate or bit rate does."""
    if rng.random() >= chance:
        return window
    limited = window.copy()
    limited[:, int(rng.integers(lowest, window.shape[1])) :] = 0
    return limited
