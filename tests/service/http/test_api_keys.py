import hashlib
import logging
import os
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from service.http.api_keys import SCOPES, ApiKeys, read_keys


def hash_of(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def write(file: Path, *lines: str) -> Path:
    before = file.stat().st_mtime_ns if file.exists() else 0
    file.write_text("\n".join(lines) + "\n", "utf-8")
    # However fast the test and coarse the clock: the file is another one now.
    os.utime(file, ns=(before + 10**9, before + 10**9))
    return file


def test_each_key_of_the_file_is_allowed_and_no_other(tmp_path: Path) -> None:
    keys = ApiKeys(write(tmp_path / "keys", hash_of("one"), hash_of("zwö")))
    assert keys.find("one")
    assert keys.find("zwö")
    assert not keys.find("three")
    assert not keys.find("")
    assert not keys.find(hash_of("one"))


def test_names_comments_capitals_and_empty_lines_are_understood(tmp_path: Path) -> None:
    file = write(
        tmp_path / "keys",
        *("# ours", "", " # and theirs"),
        *(f"{hash_of('one')}  -", f"{hash_of('two').upper()} player # of the kitchen"),
    )
    assert [(key.sha256, key.name) for key in read_keys(file)] == [
        (hash_of("one"), f"key-{hash_of('one')[:8]}"),
        (hash_of("two"), "player"),
    ]


def test_a_key_may_do_everything_for_ever_unless_its_line_says_otherwise(tmp_path: Path) -> None:
    line = f"{hash_of('two')} player scopes=classify,stream expires=2027-03-31"
    plain, limited = read_keys(write(tmp_path / "keys", f"{hash_of('one')} all", line))
    assert plain.scopes == set(SCOPES)
    assert plain.last_day is None
    assert limited.scopes == {"classify", "stream"}
    assert limited.last_day == date(2027, 3, 31)


def test_a_key_is_valid_until_the_end_of_its_last_day(tmp_path: Path) -> None:
    today = datetime.now(UTC).date()
    lines = [f"{hash_of(str(n))} expires={today + timedelta(days=n)}" for n in (-1, 0, 1)]
    keys = ApiKeys(write(tmp_path / "keys", *lines))
    assert keys.find("-1") is None
    assert keys.find("0")
    assert keys.find("1")


def test_keys_rotate_without_a_restart(tmp_path: Path) -> None:
    file = write(tmp_path / "keys", hash_of("old"))
    keys = ApiKeys(file)
    write(file, hash_of("old"), hash_of("new"))
    assert keys.find("old")
    assert keys.find("new")
    write(file, hash_of("new"))
    assert not keys.find("old")
    assert keys.find("new")


@pytest.mark.parametrize("content", ["no hash", "", hash_of("one")[:-1]])
def test_a_broken_new_version_leaves_the_keys_as_they_were(
    tmp_path: Path, content: str, caplog: pytest.LogCaptureFixture
) -> None:
    file = write(tmp_path / "keys", hash_of("old"))
    keys = ApiKeys(file)
    write(file, content)
    with caplog.at_level(logging.ERROR):
        assert keys.find("old")
        assert keys.find("old")
    assert caplog.text.count("stay as they were") == 1


def test_a_file_that_went_away_leaves_the_keys_as_they_were(tmp_path: Path) -> None:
    file = write(tmp_path / "keys", hash_of("old"))
    keys = ApiKeys(file)
    file.unlink()
    assert keys.find("old")
    assert not keys.find("new")


def test_a_fault_is_named_by_its_line(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="line 2"):
        read_keys(write(tmp_path / "keys", hash_of("one"), "plain text key"))
    with pytest.raises(ValueError, match="cannot be read"):
        read_keys(tmp_path / "nowhere")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\0")
    with pytest.raises(ValueError, match="binary is no text in UTF-8"):
        read_keys(tmp_path / "binary")


def test_what_an_editor_puts_before_the_first_line_is_no_fault(tmp_path: Path) -> None:
    (key,) = read_keys(write(tmp_path / "keys", f"\N{ZERO WIDTH NO-BREAK SPACE}{hash_of('one')}"))
    assert key.sha256 == hash_of("one")


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ("scopes=classify,everything", "the scope 'everything'"),
        ("scopes=", "the scope ''"),
        ("expires=tomorrow", "expires=tomorrow, no day like"),
        ("scope=classify", "scope=, which is neither"),
        ("expires 2020-12-31", "more behind the hash than"),
        ("scopes: classify", "more behind the hash than"),
    ],
)
def test_what_is_said_of_a_key_must_be_understood(tmp_path: Path, said: str, fault: str) -> None:
    file = write(tmp_path / "keys", f"{hash_of('one')} player {said}")
    with pytest.raises(ValueError, match=f"{fault}.* in line 1"):
        read_keys(file)
