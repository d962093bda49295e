from pathlib import Path

import numpy as np
import pytest
import soundfile

from training.data.annotation import Annotation
from training.data.readers.manifest import read_manifest
from training.data.song_folder import write_jams
from training.errors import TrainingError, UnreadableClip
from training.listener.gathering import decode, is_held_out, sounds
from training.listener.packages import MUSIC_PACKAGES, NOISE_FOLDERS
from training.listener.recordings import MUSIC, NOISE, RATE_HZ, SPEECH


def write(file: Path, duration_s: float, rate_hz: int = 8_000) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    t = np.arange(round(duration_s * rate_hz)) / rate_hz
    soundfile.write(file, 0.1 * np.sin(2 * np.pi * 440 * t), rate_hz)


def test_a_clip_of_two_lists_is_heard_once_with_its_group(tmp_path: Path) -> None:
    write(tmp_path / "a.wav", 1)
    write(tmp_path / "b.wav", 1)
    (tmp_path / "genre.csv").write_text("file,genre,dataset,group\na.wav,rock,set,artist:x\n")
    (tmp_path / "emotion.csv").write_text(
        "file,emotion,dataset,group\na.wav,sad,set,artist:x\nb.wav,sad,set,artist:y\n"
    )

    found = sounds([tmp_path], None, [])

    assert [(s.name, s.group, s.kind) for s in found] == [
        ("a.wav", "artist:x", MUSIC),
        ("b.wav", "artist:y", MUSIC),
    ]
    assert len(found[0].decode()) == RATE_HZ


def test_a_group_is_that_of_the_readers_however_it_is_typed(tmp_path: Path) -> None:
    """The report asks by the readers' names of groups which were held out."""
    write(tmp_path / "a.wav", 1)
    path = tmp_path / "genre.csv"
    path.write_text("file,genre,dataset,group\na.wav,pop,set, Bjo\u0308rk \n", "utf-8")

    (heard,), (read,) = sounds([tmp_path], None, []), read_manifest(path, "genre")

    assert heard.group == read.group == "Bj\u00f6rk"


def test_lists_are_read_as_the_readers_read_them(tmp_path: Path) -> None:
    """Also those of spreadsheets, which begin with a mark, and have spaces after commas."""
    (tmp_path / "genre.csv").write_text("file, genre\na.wav, rock\n", "utf-8-sig")

    (heard,) = sounds([tmp_path], None, [])

    assert (heard.name, heard.source) == ("a.wav", tmp_path.name)
    (tmp_path / "genre.csv").write_text("path,genre\na.wav,rock\n", "utf-8")
    with pytest.raises(TrainingError, match="no column file"):
        sounds([tmp_path], None, [])


def test_short_chords_are_strung_together(tmp_path: Path) -> None:
    for name in ("1", "2"):
        write(tmp_path / f"{name}.wav", 0.5)
    (tmp_path / "chord.csv").write_text("file,chord,dataset\n1.wav,C,guitars\n2.wav,D,guitars\n")

    (chords,) = sounds([tmp_path], None, [])

    assert len(chords.decode()) == RATE_HZ


def test_of_a_package_only_what_lasts_is_music(tmp_path: Path) -> None:
    package = next(iter(MUSIC_PACKAGES))
    write(tmp_path / package / "song.wav", 25)
    write(tmp_path / package / "bang.wav", 1)

    (song,) = sounds([], tmp_path, [])

    assert (song.name, song.source) == (f"{package}/song.wav", package)


def test_noises_of_a_package_are_short_and_not_spoken(tmp_path: Path) -> None:
    package, folder = next(iter(NOISE_FOLDERS.items()))
    effects = tmp_path / package / "usr" / "share" / folder
    for name, duration_s in (("saw.wav", 1), ("rain.wav", 25), ("voices/hello.wav", 1)):
        write(effects / name, duration_s)
    write(effects / "click.wav", 0.1)

    noises = [one.name for one in sounds([], tmp_path, []) if one.kind == NOISE]

    assert noises == [f"{package}/usr/share/{folder}/saw.wav"]


def test_noises_are_of_packages_that_are_fetched() -> None:
    assert NOISE_FOLDERS.keys() <= MUSIC_PACKAGES.keys()


def test_renderings_of_one_song_are_of_one_group(tmp_path: Path) -> None:
    for name, group in (("007-fluid", "007"), ("007-other", "007"), ("008-fluid", "008")):
        write(tmp_path / "songs" / f"{name}.wav", 1)
        chords = Annotation(np.array([[0.0, 1.0]]), ["C:maj"])
        write_jams(tmp_path / "songs" / f"{name}.jams", chords, None, 1.0, {"group": group})

    found = sounds([], None, [], [tmp_path / "songs"])

    assert [(s.name, s.group) for s in found] == [
        ("songs/007-fluid.wav", "song:007"),
        ("songs/007-other.wav", "song:007"),
        ("songs/008-fluid.wav", "song:008"),
    ]
    assert {s.kind for s in found} == {MUSIC}
    assert len(found[0].decode()) == RATE_HZ


def test_speech_is_strung_together_and_known_as_such(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write(tmp_path / "voice" / f"{name}.wav", 1)

    (speech,) = sounds([], None, [tmp_path / "voice"])

    assert speech.kind == SPEECH
    assert len(speech.decode()) == 2 * RATE_HZ


def test_about_a_fifth_of_the_groups_is_held_out_and_always_the_same() -> None:
    held_out = [is_held_out(f"artist:{number}") for number in range(1_000)]

    assert 150 < sum(held_out) < 250
    assert held_out == [is_held_out(f"artist:{number}") for number in range(1_000)]


def test_what_cannot_be_read_says_so(tmp_path: Path) -> None:
    (tmp_path / "broken.wav").write_bytes(b"RIFF")

    with pytest.raises(UnreadableClip, match=r"broken\.wav"):
        decode(tmp_path / "broken.wav")
