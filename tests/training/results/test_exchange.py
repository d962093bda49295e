from pathlib import Path

import pytest

from training.results import exchange
from training.results.exchange import put_in_place


def write(folder: Path, text: str) -> Path:
    folder.mkdir()
    (folder / "card.json").write_text(text)
    return folder


def test_the_first_folder_of_its_name_is_renamed(tmp_path: Path) -> None:
    new = write(tmp_path / "new", "1")

    put_in_place(new, tmp_path / "genre")

    assert (tmp_path / "genre" / "card.json").read_text() == "1"
    assert not new.exists()


@pytest.mark.parametrize("at_once", [True, False], ids=["in one step", "in two renames"])
def test_a_new_folder_takes_the_place_of_the_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: bool
) -> None:
    if not at_once:
        monkeypatch.setattr(exchange, "_exchange", lambda *_: False)
    old, new = write(tmp_path / "genre", "1"), write(tmp_path / "new", "2")

    put_in_place(new, old)

    assert (old / "card.json").read_text() == "2"
    assert (new / "card.json").read_text() == "1"


def test_the_old_folder_comes_back_where_the_new_one_cannot_take_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchange, "_exchange", lambda *_: False)
    old = write(tmp_path / "genre", "1")

    with pytest.raises(FileNotFoundError):
        put_in_place(tmp_path / "missing", old)

    assert (old / "card.json").read_text() == "1"
