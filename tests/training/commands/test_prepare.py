import logging
from pathlib import Path

import numpy as np
import pytest

from tests.audio import noise
from tests.training.data.readers.pictures import random_levels
from tests.training.made import write_csv, write_wav
from training.cli import main


@pytest.mark.parametrize(("recipe", "n_clips"), [("genre", 1), ("genre_pictures", 2)])
def test_pictures_are_prepared_for_the_recipe_that_reads_them(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, recipe: str, n_clips: int
) -> None:
    """A folder with one clip as audio and two as grids."""
    write_wav(tmp_path / "jazz.00000.wav", noise(0.5, rate_hz=22_050), 22_050)
    write_csv(tmp_path / "genre.csv", ("file", "genre"), [("jazz.00000.wav", "jazz")])
    np.savez(
        tmp_path / "gtzan_mel.npz",
        mel=np.stack([random_levels(seed) for seed in range(2)]),
        name=np.array(["jazz.00000", "rock.00000"]),
        genre=np.array(["jazz", "rock"]),
    )

    with caplog.at_level(logging.INFO):
        done = main(["prepare", recipe, "--data", str(tmp_path), "--cache", f"{tmp_path}/cache"])

    assert done == 0
    assert f"{n_clips} clips ready, 0 skipped" in caplog.text
