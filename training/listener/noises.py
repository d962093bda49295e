"""Recorded noises, heard one by one: what mixtures leave out of what is no music.

The noise in mixtures is rendered, and a line that learned from that alone takes a saw, a
dog or an engine for music.
"""

from pathlib import Path

import numpy as np
import soxr

from service.inference.features import compute_grid
from service.inference.windows import cut_windows
from training.data.filter_banks import make_bank
from training.listener.lessons import FRAMES, LEVELS, SPEC, Windows
from training.listener.loudness import brought_to
from training.listener.probing import WINDOWS
from training.listener.recordings import NOISE, RATE_HZ, Shelf
from training.networks.listener import LOUDNESS_LUFS

NO_NOISES: Windows = np.zeros((0, FRAMES, SPEC.bands), np.uint8)


def recorded_noises(folder: Path) -> Windows:
    """Return windows of all noises on a shelf, each brought to the usual loudness.

    Parameters
    ----------
    folder
        Of the shelf.

    Returns
    -------
    Windows
        Stored levels, shape [n, 187, 96]; none where no noise was gathered.
    """
    shelf, bank = Shelf(folder), make_bank(SPEC)
    heard = [NO_NOISES]
    for noise in shelf.recordings:
        if noise.kind == NOISE:
            samples = brought_to(shelf.read(noise, 0, noise.n_samples), RATE_HZ, LOUDNESS_LUFS)
            resampled = soxr.resample(samples, RATE_HZ, SPEC.sample_rate_hz)
            windows = cut_windows(compute_grid(resampled, SPEC, bank), WINDOWS)
            heard.append(np.round(windows * LEVELS).astype(np.uint8))
    return np.concatenate(heard)
