import os
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from service.library.listing import LATEST_NS, Listed, list_files, whole_way
from service.library.problems import LibraryError


def touch(path: Path, size: int = 3) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(size))
    return path


def names(*paths: object) -> list[tuple[str, str]]:
    return [(listed.file, listed.relative) for listed in list_files(str(path) for path in paths)]


def test_a_folder_is_listed_with_all_below_it(tmp_path: Path) -> None:
    a, b = touch(tmp_path / "a.mp3"), touch(tmp_path / "deep" / "b.wav")

    assert names(tmp_path) == [(str(a), "a.mp3"), (str(b), "deep/b.wav")]


def test_a_file_is_listed_with_its_size_and_time_whatever_its_ending(tmp_path: Path) -> None:
    file = touch(tmp_path / "voice", size=7)

    (listed,) = list_files([str(file)])

    assert listed == Listed(str(file), "voice", 7, file.stat().st_mtime_ns)


def test_a_pattern_names_audio_files_and_folders(tmp_path: Path) -> None:
    a, b = touch(tmp_path / "rock" / "a.mp3"), touch(tmp_path / "jazz" / "b.mp3")
    touch(tmp_path / "rock" / "cover.jpg")

    pattern = tmp_path / "*" / "*"

    assert names(pattern) == [(str(b), "jazz/b.mp3"), (str(a), "rock/a.mp3")]
    assert names(tmp_path / "ro*") == [(str(a), "rock/a.mp3")]


def test_a_file_whose_name_looks_like_a_pattern_is_a_file(tmp_path: Path) -> None:
    file = touch(tmp_path / "song [live].mp3")

    assert names(file) == [(str(file), "song [live].mp3")]


@pytest.mark.parametrize(
    ("name", "encoding"),
    [("list.m3u8", "utf-8"), ("list.m3u", "cp1252"), ("list.M3U", "utf-8-sig")],
)
def test_a_playlist_names_files_relative_to_itself(
    tmp_path: Path, name: str, encoding: str
) -> None:
    song, far = touch(tmp_path / "lists" / "é.mp3"), touch(tmp_path / "far off.mp3")
    windows = touch(tmp_path / "lists" / "sub" / "w.mp3")
    entries = ["#EXTM3U", "#EXTINF:1,é", "é.mp3", "", far.as_uri(), "sub\\w.mp3"]
    playlist = tmp_path / "lists" / name
    playlist.write_bytes("\r\n".join(entries).encode(encoding))

    found = names(playlist)

    assert found[0] == (str(song), "é.mp3")
    assert found[1][0] == str(far)
    assert found[2] == (str(windows), "sub/w.mp3")


def test_what_a_list_names_elsewhere_keeps_the_way_to_it(tmp_path: Path) -> None:
    far = touch(tmp_path / "far.mp3")
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / "list.m3u").write_text(f"{far}\n")

    assert names(tmp_path / "lists" / "list.m3u") == [(str(far), str(far).lstrip("/"))]


def test_what_a_list_names_above_itself_keeps_no_way_up(tmp_path: Path) -> None:
    above = touch(tmp_path / "above.mp3")
    playlist = touch(tmp_path / "lists" / "deep" / "list.m3u")
    ups = "/".join(".." for _ in playlist.parent.parts)
    playlist.write_text(f"{ups}{above}\n")

    ((_, relative),) = names(playlist)

    assert relative == str(above).lstrip("/")


@pytest.mark.parametrize(
    ("file", "way"),
    [("/a/b.mp3", "a/b.mp3"), ("/a/../b.mp3", "b.mp3"), ("s3://bucket/b.mp3", "s3/bucket/b.mp3")],
)
def test_the_whole_way_to_a_file_is_a_place_below_any_folder(file: str, way: str) -> None:
    assert whole_way(file) == way


def test_a_name_that_begins_with_dots_is_below(tmp_path: Path) -> None:
    file = touch(tmp_path / "..and justice.mp3")

    assert names(tmp_path) == [(str(file), "..and justice.mp3")]


def test_what_a_list_names_that_can_be_no_file_is_a_fault_of_its_own(tmp_path: Path) -> None:
    song = touch(tmp_path / "song.mp3")
    odd = ["no\0name.mp3", "a\\" + 300 * "b", "file://[", "http+odd://radio/1", str(song)]
    (tmp_path / "list.m3u").write_text("\n".join(odd))

    *faults, last = list_files([str(tmp_path / "list.m3u")])

    assert all(listed.fault for listed in faults)
    assert len(faults) == len(odd) - 1
    assert (last.file, last.fault) == (str(song), None)


def test_a_time_that_no_table_holds_is_the_latest_that_it_holds(tmp_path: Path) -> None:
    file = touch(tmp_path / "song.mp3")
    os.utime(file, (10**10, 10**10))
    if file.stat().st_mtime_ns < LATEST_NS:
        pytest.skip("this file system knows no such time either")

    (listed,) = list_files([str(file)])

    assert listed.modified_ns == LATEST_NS


def test_manifests_name_files_in_their_column(tmp_path: Path) -> None:
    touch(tmp_path / "a.mp3")
    (tmp_path / "list.csv").write_text("id,file\n1,a.mp3\n2,none.mp3\n")
    parquet.write_table(pa.table({"file": ["a.mp3", None]}), tmp_path / "list.parquet")

    in_csv = list(list_files([str(tmp_path / "list.csv")]))
    in_parquet = list(list_files([str(tmp_path / "list.parquet")]))

    assert [listed.relative for listed in in_csv] == ["a.mp3", "none.mp3"]
    assert [listed.fault for listed in in_csv] == [None, "No such file or directory"]
    assert in_parquet == in_csv[:1]


def test_a_folder_that_cannot_be_read_is_listed_with_its_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    touch(tmp_path / "secret" / "a.mp3")
    b = touch(tmp_path / "z.mp3")

    def listdir(folder: Path) -> list[str]:
        if folder.name == "secret":
            raise PermissionError(13, "Permission denied")
        return ["secret", "z.mp3"]

    monkeypatch.setattr("service.audio.files.os.listdir", listdir)

    secret, song = list_files([str(tmp_path)])

    assert (secret.relative, secret.fault) == ("secret", "Permission denied")
    assert song.file == str(b)


def test_a_pipe_is_a_fault_and_no_file_to_wait_for(tmp_path: Path) -> None:
    song = touch(tmp_path / "song.mp3")
    pipe = tmp_path / "pipe.wav"
    os.mkfifo(pipe)

    for paths in ([tmp_path], [pipe, song]):
        of_pipe, of_song = list_files(str(path) for path in paths)
        assert (of_pipe.file, of_pipe.fault) == (str(pipe), "Not a regular file")
        assert (of_song.file, of_song.fault) == (str(song), None)


def test_urls_are_listed_by_their_file_system(tmp_path: Path) -> None:
    touch(tmp_path / "a.mp3", size=5)
    touch(tmp_path / "deep" / "b.wav")
    touch(tmp_path / "cover.jpg")

    first, second = list_files([tmp_path.as_uri()])

    assert (first.relative, first.size_bytes) == ("a.mp3", 5)
    assert first.file == (tmp_path / "a.mp3").as_uri()
    assert first.modified_ns == pytest.approx((tmp_path / "a.mp3").stat().st_mtime_ns, abs=1e3)
    assert second.relative == "deep/b.wav"


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("none.mp3", "does not exist"),
        ("none/*.mp3", "No file matches"),
        ("odd.csv", "no column 'file'; it has name"),
        ("odd.parquet", "no Parquet file"),
        ("none.m3u", "cannot be read"),
        ("long.csv", "no CSV in UTF-8: field larger"),
        ("numbers.parquet", "has 5 in 'file', not a name"),
        (300 * "a", "cannot be read: File name too long"),
        ("odd://there/is", "cannot be opened"),
    ],
)
def test_what_names_nothing_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("odd.csv").write_text("name\n1\n")
    Path("odd.parquet").write_text("no parquet")
    Path("long.csv").write_text(f"file\n{200_000 * 'a'}\n")
    parquet.write_table(pa.table({"file": [5]}), "numbers.parquet")

    with pytest.raises(LibraryError, match=message):
        list(list_files([path]))
