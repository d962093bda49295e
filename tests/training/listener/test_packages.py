import shutil
import zipfile
from pathlib import Path

import pytest

from training.errors import TrainingError
from training.listener import packages


def test_audio_is_found_in_every_folder_of_a_package_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "usr/share").mkdir(parents=True)
    for name in ("usr/share/b.OGG", "usr/a.mp3", "usr/share/picture.png"):
        (tmp_path / name).touch()
    (tmp_path / "usr/link.ogg").symlink_to(tmp_path / "usr/share/b.OGG")

    found = [path.name for path in packages.recordings(tmp_path)]

    assert found == ["a.mp3", "b.OGG"]


def test_packages_are_fetched_once_with_the_music_in_their_archives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def run(*command: str, folder: Path) -> None:
        if command[0] == "apt-get":
            asked.append(command[-1])
            (folder / f"{command[-1]}.deb").touch()
        else:
            with zipfile.ZipFile(folder / "music.pk3", "w") as archive:
                archive.writestr("songs/song.ogg", b"song")
                archive.writestr("map.txt", b"map")

    monkeypatch.setattr(packages, "_run", run)
    monkeypatch.setattr(packages, "MUSIC_PACKAGES", {"game-music": "1"})
    monkeypatch.setattr(packages, "SPEECH_PACKAGES", {})
    monkeypatch.setattr(shutil, "which", lambda program: program)

    assert packages.fetch(tmp_path) == []
    assert packages.fetch(tmp_path) == []

    assert asked == ["game-music"]
    assert [p.name for p in packages.recordings(tmp_path / "game-music")] == ["song.ogg"]


def test_a_package_that_cannot_be_fetched_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packages, "_run", lambda *command, folder: None)  # noqa: ARG005
    monkeypatch.setattr(packages, "MUSIC_PACKAGES", {"gone": "1"})
    monkeypatch.setattr(packages, "SPEECH_PACKAGES", {})
    monkeypatch.setattr(shutil, "which", lambda program: program)

    assert packages.fetch(tmp_path) == ["gone"]


def test_a_system_without_packages_is_told_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)

    with pytest.raises(TrainingError, match="need apt-get"):
        packages.fetch(tmp_path)
