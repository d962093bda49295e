from pathlib import Path

import numpy as np
import pytest

from training.errors import TrainingError
from training.listener.noises import recorded_noises
from training.listener.recordings import MUSIC, NOISE, RATE_HZ, SPEECH, Samples, Shelf, Sound
from training.networks.musicnn import FRAMES, SPEC


def sound(kind: str, duration_s: float, level: float = 0.1) -> Sound:
    def decode() -> Samples:
        samples = np.random.default_rng(0).standard_normal(round(duration_s * RATE_HZ))
        return (level * samples).astype(np.float32)

    return Sound(f"{kind}{duration_s}{level}", kind, "game", "package:game", decode)


def test_noises_alone_are_heard_each_by_itself(tmp_path: Path) -> None:
    Shelf.fill(tmp_path, [sound(MUSIC, 7), sound(NOISE, 1), sound(SPEECH, 7), sound(NOISE, 7)])

    windows = recorded_noises(tmp_path)

    assert windows.shape == (4, FRAMES, SPEC.bands)  # one of the short, three of the long


def test_a_quiet_noise_is_heard_as_loud_as_any(tmp_path: Path) -> None:
    Shelf.fill(tmp_path, [sound(NOISE, 3, level=0.2), sound(NOISE, 3, level=0.002)])

    loud, quiet = np.split(recorded_noises(tmp_path).astype(int), 2)

    assert np.abs(loud - quiet).mean() < 2


def test_where_no_noise_was_gathered_there_is_none(tmp_path: Path) -> None:
    Shelf.fill(tmp_path, [sound(MUSIC, 7)])

    assert recorded_noises(tmp_path).shape == (0, FRAMES, SPEC.bands)


def test_without_a_shelf_it_is_told_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="gather"):
        recorded_noises(tmp_path)
