from pathlib import Path

import numpy as np
import pytest

from service.inference.features import FeatureSpec
from tests.training.made import write_csv
from training.data.filter_banks import make_bank
from training.data.readers import read_data_set
from training.data.readers.gtzan_grid import SPEC as MEL_SPEC
from training.data.readers.statistics import N_FEATURES, SPEC, read_statistics
from training.errors import TrainingError, UnreadableClip

COLUMNS = ["chroma_stft_mean", *(f"feature_{n}" for n in range(1, N_FEATURES))]
HEADER = ("filename", "length", *COLUMNS, "label")
BANK = make_bank(SPEC)


def row(name: str, label: str, values: list[float] | None = None) -> list[str]:
    numbers = values if values is not None else [float(n) for n in range(N_FEATURES)]
    return [name, "661794", *(str(number) for number in numbers), label]


def test_a_clip_is_one_frame_of_compressed_numbers(tmp_path: Path) -> None:
    values = [0.0, 1.0, -1.0, 1e6, *[0.5] * (N_FEATURES - 4)]
    path = write_csv(tmp_path / "f.csv", HEADER, [row("blues.00000.wav", "blues", values)])

    (clip,) = read_statistics(path)
    grid = clip.source.grid(SPEC, BANK)

    assert grid.shape == (1, N_FEATURES)
    np.testing.assert_allclose(grid[0, :4], [0, np.log(2), -np.log(2), np.log(1 + 1e6)], rtol=1e-6)


def test_the_tenths_of_a_clip_are_one_group(tmp_path: Path) -> None:
    path = write_csv(
        tmp_path / "f.csv",
        HEADER,
        [row(f"blues.00029.{n}.wav", "blues") for n in range(10)] + [row("pop.00001.0.wav", "pop")],
    )

    clips = read_statistics(path)

    assert len(clips) == 11
    assert len({clip.group for clip in clips}) == 2
    assert clips[0].split == "train"


def test_rows_of_no_genre_are_left_out(tmp_path: Path) -> None:
    rows = [row("blues.00000.wav", "polka"), row("pop.00000.wav", "pop")]
    clips = read_statistics(write_csv(tmp_path / "f.csv", HEADER, rows))
    assert [clip.label for clip in clips] == ["pop"]


def test_pieces_of_songs_that_are_not_of_gtzan_are_a_group_each(tmp_path: Path) -> None:
    rows = [row(f"my song.{n}.wav", "blues") for n in range(3)] + [row("my song.0.mp3", "pop")]

    clips = read_statistics(write_csv(tmp_path / "mine" / "f.csv", HEADER, rows))

    assert [clip.group for clip in clips] == ["file:blues/my song"] * 3 + ["file:pop/my song"]
    assert {(clip.data_set, clip.split) for clip in clips} == {("mine", "extra")}


def test_a_line_that_was_cut_off_is_no_clip_and_one_too_long_cannot_be_read(
    tmp_path: Path,
) -> None:
    cells = row("blues.00000.wav", "blues")
    path = write_csv(tmp_path / "f.csv", HEADER, [cells[:9], [*cells, "1.0"]])

    (clip,) = read_statistics(path)

    with pytest.raises(UnreadableClip, match="57 finite numbers"):
        clip.source.grid(SPEC, BANK)


@pytest.mark.parametrize("bad", ["", "much", "nan", "inf"])
def test_a_row_with_a_number_missing_is_an_unreadable_clip(tmp_path: Path, bad: str) -> None:
    cells = row("blues.00000.wav", "blues")
    cells[5] = bad
    (clip,) = read_statistics(write_csv(tmp_path / "f.csv", HEADER, [cells]))
    with pytest.raises(UnreadableClip, match="57 finite numbers"):
        clip.source.grid(SPEC, BANK)


def test_spectrogram_models_are_refused(tmp_path: Path) -> None:
    (clip,) = read_statistics(
        write_csv(tmp_path / "f.csv", HEADER, [row("blues.00000.wav", "blues")])
    )
    with pytest.raises(TrainingError, match="genre_statistics"):
        clip.source.grid(MEL_SPEC, BANK)


def test_the_key_follows_the_numbers(tmp_path: Path) -> None:
    path = write_csv(
        tmp_path / "f.csv",
        HEADER,
        [
            row("blues.00000.wav", "blues"),
            row("pop.00000.wav", "pop"),
            row("pop.00001.wav", "pop", [1.0] * N_FEATURES),
        ],
    )
    one, same, other = (clip.source.content_key() for clip in read_statistics(path))
    assert one == same != other


def test_the_header_tells_statistics_from_a_list_of_files(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "f.csv", HEADER, [row("blues.00000.wav", "blues")])

    (clip,) = read_data_set(path, "genre")

    assert clip.source.name == f"{path}:blues.00000.wav"
    with pytest.raises(TrainingError, match="no column file or chord"):
        read_data_set(path, "chord")


def test_the_specification_says_how_many_numbers_there_are() -> None:
    assert isinstance(SPEC, FeatureSpec)
    assert SPEC.bands == N_FEATURES
