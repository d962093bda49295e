from pathlib import Path

import pytest

from service.files import written_whole


def test_a_file_is_in_its_place_once_it_is_written(tmp_path: Path) -> None:
    file = tmp_path / "new" / "notes.txt"
    with written_whole(file) as partial:
        partial.write_text("all of it")
        assert not file.exists()
    assert file.read_text() == "all of it"
    assert list(file.parent.iterdir()) == [file]


def test_what_cannot_be_written_leaves_what_was_there(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("before")

    def fill_the_disk() -> None:
        with written_whole(file) as partial:
            partial.write_text("a part")
            raise OSError("the disk is full")

    with pytest.raises(OSError, match="full"):
        fill_the_disk()
    assert file.read_text() == "before"
    assert list(tmp_path.iterdir()) == [file]
