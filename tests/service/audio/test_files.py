import logging
import os
from pathlib import Path

import pytest

from service.audio.files import audio_files


def touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def test_all_audio_files_below_a_folder_are_found_in_the_order_of_their_paths(
    tmp_path: Path,
) -> None:
    names = ("b.mp3", "a/z.FLAC", "a/b/c.opus", "a.wav", "c/x.ogg")
    made = [touch(tmp_path / name) for name in names]

    assert list(audio_files(tmp_path)) == sorted(made)


def test_what_is_no_audio_is_left_out(tmp_path: Path) -> None:
    for name in ("cover.jpg", "notes", "._song.mp3", "mp3"):
        touch(tmp_path / name)

    assert list(audio_files(tmp_path)) == []


def test_a_folder_that_is_linked_into_itself_is_walked_once(tmp_path: Path) -> None:
    song = touch(tmp_path / "a" / "song.mp3")
    (tmp_path / "a" / "again").symlink_to(tmp_path, target_is_directory=True)

    assert list(audio_files(tmp_path)) == [song]


def test_a_linked_folder_is_walked(tmp_path: Path) -> None:
    touch(tmp_path / "elsewhere" / "song.mp3")
    folder = tmp_path / "music"
    folder.mkdir()
    (folder / "linked").symlink_to(tmp_path / "elsewhere", target_is_directory=True)

    assert list(audio_files(folder)) == [folder / "linked" / "song.mp3"]


def test_a_folder_that_cannot_be_read_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    told = []

    assert list(audio_files(tmp_path / "none", lambda path, _: told.append(path))) == []
    assert told == [tmp_path / "none"]
    with caplog.at_level(logging.WARNING):
        assert list(audio_files(tmp_path / "none")) == []
    assert "none cannot be read: No such file" in caplog.text


def test_a_pipe_is_told_and_not_waited_for(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    os.mkfifo(tmp_path / "pipe.wav")
    os.mkfifo(tmp_path / "control")

    assert list(audio_files(tmp_path)) == []

    assert caplog.messages == [f"{tmp_path / 'pipe.wav'} cannot be read: Not a regular file"]
