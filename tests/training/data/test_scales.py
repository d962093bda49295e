from pathlib import Path

import numpy as np
import pytest

from tests.training.made import write_csv
from training.data.scales import ENERGY, RATINGS_LIST, SCALES, VALENCE, read_ratings
from training.errors import TrainingError

HEADER = (
    *("file", "dataset", "rated_energy", "rated_valence"),
    *("joyful_activation", "power", "calmness", "tenderness", "sadness", "tension"),
)


def write_list(folder: Path, *rows: tuple[str, ...]) -> Path:
    write_csv(folder / RATINGS_LIST, HEADER, rows)
    return folder


def test_a_rating_is_taken_as_it_is_and_votes_are_summed_up(tmp_path: Path) -> None:
    film = ("a.wav", "films", "6.5", "3", *[""] * 6)
    voted = ("b.wav", "votes", "", "", "0.5", "0.25", "0.125", "0.0", "0.5", "0.25")

    rated = read_ratings([write_list(tmp_path, film, voted)], SCALES)

    assert [clip.data_set for clip in rated.clips] == ["films", "votes"]
    assert [clip.source.name for clip in rated.clips] == [
        str(tmp_path / f) for f in ("a.wav", "b.wav")
    ]
    assert len({clip.group for clip in rated.clips}) == 2
    np.testing.assert_allclose(rated.values, [[6.5, 3], [0.625, -0.25]])


def test_clips_that_nobody_was_asked_about_are_left_out(tmp_path: Path) -> None:
    unasked = ("a.wav", "films", *[""] * 8)
    half_asked = ("b.wav", "films", "2", *[""] * 7)
    folder = write_list(tmp_path, unasked, half_asked)

    rated = read_ratings([folder], (ENERGY, VALENCE))

    assert [Path(clip.source.name).name for clip in rated.clips] == ["b.wav"]
    np.testing.assert_array_equal(rated.values, [[2, np.nan]])
    assert read_ratings([folder], (VALENCE,)).clips == []


def test_data_without_a_list_has_no_ratings(tmp_path: Path) -> None:
    lone = write_csv(tmp_path / "emotion.csv", ("file", "emotion"), [("a.wav", "sad")])
    rated = read_ratings([tmp_path, lone], (ENERGY,))
    assert rated.clips == []
    assert rated.values.shape == (0, 1)


def test_a_list_without_data_sets_is_refused(tmp_path: Path) -> None:
    write_csv(tmp_path / RATINGS_LIST, ("file", "rated_energy"), [("a.wav", "5")])
    with pytest.raises(TrainingError, match="dataset"):
        read_ratings([tmp_path], (ENERGY,))


def test_a_rating_that_is_no_number_is_named(tmp_path: Path) -> None:
    folder = write_list(tmp_path, ("a.wav", "films", "6,5", *[""] * 7))
    with pytest.raises(TrainingError, match=r"a\.wav '6,5' in the column rated_energy; write a n"):
        read_ratings([folder], (ENERGY,))
