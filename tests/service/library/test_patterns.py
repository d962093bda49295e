import glob
import os
from pathlib import Path

import pytest

from service.library.patterns import matches


@pytest.fixture
def music(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder ``music``, in the one where the test is."""
    monkeypatch.chdir(tmp_path)
    for name in ("a.mp3", "rock/b.mp3", "rock/[live]/c.mp3", "rock/.hidden/d.mp3", "jazz/e.flac"):
        file = tmp_path / "music" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    (tmp_path / "music" / "linked").symlink_to(tmp_path / "music" / "jazz")
    return tmp_path / "music"


@pytest.mark.parametrize(
    "pattern",
    [
        "music/*.mp3",
        "music/**/*.mp3",
        "**/*",
        "**/rock/**/*.mp3",
        "mus*/**/[bc].*",
        "music/**/?live]/*",
        "music/a.mp3",
        "none/**/*.mp3",
    ],
)
def test_a_pattern_names_what_the_standard_library_finds(music: Path, pattern: str) -> None:
    for written in (pattern, f"{music.parent}/{pattern}"):
        expected = {Path(p) for p in glob.glob(written, recursive=True)}  # noqa: PTH207
        assert {p for p in matches(written) if p != Path()} == expected


def test_a_pattern_that_ends_anywhere_below_names_the_folder(music: Path) -> None:
    assert set(matches(f"{music}/**")) == {music}


def test_links_into_a_folder_that_they_lie_in_are_not_followed_for_ever(music: Path) -> None:
    for name in ("x", "y", "rock/z"):
        (music / name).symlink_to(music)

    found = {os.path.realpath(path) for path in matches("music/**/*.mp3")}

    assert found == {str(music / name) for name in ("a.mp3", "rock/b.mp3", "rock/[live]/c.mp3")}
