import hashlib
import logging
import os
from pathlib import Path

import pytest

from service.http.api_keys import ApiKeys, read_hashes


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
    assert keys.allow("one")
    assert keys.allow("zwö")
    assert not keys.allow("three")
    assert not keys.allow("")
    assert not keys.allow(hash_of("one"))


def test_names_comments_capitals_and_empty_lines_are_understood(tmp_path: Path) -> None:
    file = write(
        tmp_path / "keys", "# ours", "", f"{hash_of('one')}  -", f"{hash_of('two').upper()} player"
    )
    assert read_hashes(file) == (hash_of("one"), hash_of("two"))


def test_keys_rotate_without_a_restart(tmp_path: Path) -> None:
    file = write(tmp_path / "keys", hash_of("old"))
    keys = ApiKeys(file)
    write(file, hash_of("old"), hash_of("new"))
    assert keys.allow("old")
    assert keys.allow("new")
    write(file, hash_of("new"))
    assert not keys.allow("old")
    assert keys.allow("new")


@pytest.mark.parametrize("content", ["no hash", "", hash_of("one")[:-1]])
def test_a_broken_new_version_leaves_the_keys_as_they_were(
    tmp_path: Path, content: str, caplog: pytest.LogCaptureFixture
) -> None:
    file = write(tmp_path / "keys", hash_of("old"))
    keys = ApiKeys(file)
    write(file, content)
    with caplog.at_level(logging.ERROR):
        assert keys.allow("old")
        assert keys.allow("old")
    assert caplog.text.count("stay as they were") == 1


def test_a_file_that_went_away_leaves_the_keys_as_they_were(tmp_path: Path) -> None:
    file = write(tmp_path / "keys", hash_of("old"))
    keys = ApiKeys(file)
    file.unlink()
    assert keys.allow("old")
    assert not keys.allow("new")


def test_a_fault_is_named_by_its_line(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="line 2"):
        read_hashes(write(tmp_path / "keys", hash_of("one"), "plain text key"))
    with pytest.raises(ValueError, match="cannot be read"):
        read_hashes(tmp_path / "nowhere")
