from pathlib import Path

import pytest

from training.data.clip_keys import clip_keys


def test_a_clip_is_called_as_its_file_is() -> None:
    assert clip_keys([("made", "jo", "/data/jo/1.wav"), ("made", "bo", "/data/bo/1.wav")]) == [
        ("made", "jo", "1.wav"),
        ("made", "bo", "1.wav"),
    ]


def test_files_of_one_name_in_one_group_are_told_by_their_folders() -> None:
    clips = [("made", "jo", f"/data/{name}") for name in ("one/1.wav", "two/1.wav", "two/2.wav")]
    assert clip_keys(clips) == [
        ("made", "jo", "one/1.wav"),
        ("made", "jo", "two/1.wav"),
        ("made", "jo", "2.wav"),
    ]


def test_a_folder_within_the_other_is_told_too() -> None:
    clips = [("made", "jo", "/data/1.wav"), ("made", "jo", "/data/live/1.wav")]
    assert [name for *_, name in clip_keys(clips)] == ["1.wav", "live/1.wav"]


def test_the_keys_do_not_tell_where_the_data_lie(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names = ("one/1.wav", "two/1.wav")
    here = clip_keys([("made", "jo", f"data/{name}") for name in names])
    elsewhere = clip_keys([("made", "jo", str(tmp_path / "copy" / name)) for name in names])
    assert here == elsewhere


def test_a_clip_that_is_listed_twice_is_one() -> None:
    assert len(set(clip_keys([("made", "jo", "1.wav")] * 2))) == 1
