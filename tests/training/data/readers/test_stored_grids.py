from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.training.data.readers.pictures import random_levels
from training.data.readers.stored_grids import read_stored_grids
from training.errors import TrainingError

LEVELS = np.stack([random_levels(seed) for seed in range(2)])
NAMES = np.array(["blues.00000", "jazz.00001"])


def test_each_row_is_a_clip(tmp_path: Path) -> None:
    path = tmp_path / "grids.npz"
    np.savez(
        path,
        mel=LEVELS,
        name=NAMES,
        genre=np.array(["blues", "jazz"]),
        group=np.array(["artist:x", "artist:y"]),
        split=np.array(["train", "Valid"]),
    )

    clips = read_stored_grids(path, "genre")

    assert [(c.label, c.group, c.split) for c in clips] == [
        ("blues", "artist:x", "train"),
        ("jazz", "artist:y", "valid"),
    ]
    assert [clip.source.name for clip in clips] == [f"{path}:blues.00000", f"{path}:jazz.00001"]


def test_without_groups_and_splits_each_clip_is_its_own_group(tmp_path: Path) -> None:
    path = tmp_path / "grids.npz"
    np.savez(path, mel=LEVELS, name=NAMES, genre=np.array(["blues", "jazz"]))

    clips = read_stored_grids(path, "genre")

    assert len({clip.group for clip in clips}) == 2
    assert {clip.split for clip in clips} == {"extra"}


def test_leaving_out_a_label_does_not_shift_the_grids(tmp_path: Path) -> None:
    path = tmp_path / "grids.npz"
    np.savez(path, mel=LEVELS, name=NAMES, genre=np.array(["polka", "jazz"]))

    (clip,) = read_stored_grids(path, "genre")

    assert clip.label == "jazz"
    alone = tmp_path / "alone.npz"
    np.savez(alone, mel=LEVELS[1:], name=NAMES[1:], genre=np.array(["jazz"]))
    assert clip.source.content_key() == read_stored_grids(alone, "genre")[0].source.content_key()


@pytest.mark.parametrize(
    ("left_out", "missing"),
    [(("mel",), "mel"), (("name",), "name"), (("genre", "name"), "name or genre")],
)
def test_missing_arrays_are_named_with_those_that_are_there(
    tmp_path: Path, left_out: tuple[str, ...], missing: str
) -> None:
    arrays = {"mel": LEVELS, "name": NAMES, "genre": np.array(["blues", "jazz"])}
    present = {key: value for key, value in arrays.items() if key not in left_out}
    path = tmp_path / "grids.npz"
    np.savez(path, allow_pickle=False, **present)

    with pytest.raises(TrainingError, match=f"no array {missing}; it has {', '.join(present)}"):
        read_stored_grids(path, "genre")


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"name": NAMES.astype(object)}, r"'name' in a form .*np\.array\(words, str\)"),
        ({"name": NAMES[:1]}, "2 mel, 1 name, 2 genre; give one of each"),
        ({"mel": LEVELS[:1]}, "1 mel, 2 name, 2 genre"),
        ({"mel": LEVELS / np.float32(255)}, "float32 .* as uint8"),
        ({"mel": LEVELS.transpose(0, 2, 1)}, r"\(2, 333, 128\).*\(clips, 128, 333\)"),
    ],
)
def test_arrays_that_are_not_what_they_should_be_are_refused(
    tmp_path: Path, wrong: dict[str, NDArray[np.generic]], told: str
) -> None:
    arrays = {"mel": LEVELS, "name": NAMES, "genre": np.array(["blues", "jazz"]), **wrong}
    path = tmp_path / "grids.npz"
    np.savez(path, allow_pickle=True, **arrays)

    with pytest.raises(TrainingError, match=told):
        read_stored_grids(path, "genre")


@pytest.mark.parametrize("data", [b"", b"no archive", b"PK\x03\x04 cut off"])
def test_a_file_that_is_no_archive_is_refused_by_name(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "grids.npz"
    path.write_bytes(data)
    with pytest.raises(TrainingError, match=r"grids\.npz"):
        read_stored_grids(path, "genre")
