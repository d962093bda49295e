import os
from pathlib import Path

import numpy as np
import pytest

from service.inference.features import FeatureSpec
from training.data.cache import FeatureCache
from training.data.readers.gtzan_grid import SPEC

BANK = np.eye(3, 5, dtype=np.float32)
GRID = np.random.default_rng(0).random((7, 3), dtype=np.float32)


@pytest.fixture
def cache(tmp_path: Path) -> FeatureCache:
    return FeatureCache(tmp_path / "not" / "made" / "yet")


def only_file(tmp_path: Path) -> Path:
    (file,) = (path for path in tmp_path.rglob("*") if path.is_file())
    return file


def changed_spec(**changes: object) -> FeatureSpec:
    return FeatureSpec.model_validate({**SPEC.model_dump(), **changes})


def test_a_grid_comes_back_as_it_was_stored(cache: FeatureCache) -> None:
    key = cache.key("clip", SPEC, BANK)

    stored = cache.store(key, GRID)
    loaded = cache.load(key)

    assert loaded is not None
    assert loaded.dtype == np.float16
    np.testing.assert_array_equal(loaded, stored)
    np.testing.assert_allclose(loaded, GRID, atol=5e-4)


def test_what_was_never_stored_is_not_there(cache: FeatureCache) -> None:
    assert cache.load(cache.key("clip", SPEC, BANK)) is None


def test_another_process_finds_the_grid(cache: FeatureCache, tmp_path: Path) -> None:
    key = cache.key("clip", SPEC, BANK)
    cache.store(key, GRID)

    again = FeatureCache(tmp_path / "not" / "made" / "yet").load(key)

    np.testing.assert_array_equal(again, GRID.astype(np.float16))


@pytest.mark.parametrize("kept_bytes", [0, 1, 20, 127, 129, 150])
def test_a_torn_file_counts_as_missing_and_can_be_stored_anew(
    cache: FeatureCache, tmp_path: Path, kept_bytes: int
) -> None:
    key = cache.key("clip", SPEC, BANK)
    cache.store(key, GRID)
    file = only_file(tmp_path)
    file.write_bytes(file.read_bytes()[:kept_bytes])

    assert cache.load(key) is None

    cache.store(key, GRID)
    np.testing.assert_array_equal(cache.load(key), GRID.astype(np.float16))


def test_a_file_of_something_else_counts_as_missing(cache: FeatureCache, tmp_path: Path) -> None:
    key = cache.key("clip", SPEC, BANK)
    cache.store(key, GRID)
    only_file(tmp_path).write_bytes(b"not an array at all" * 50)

    assert cache.load(key) is None


def test_a_write_that_fails_leaves_the_old_grid(
    cache: FeatureCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = cache.key("clip", SPEC, BANK)
    cache.store(key, GRID)

    def full_disk(*_: object) -> None:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(np, "save", full_disk)
    with pytest.raises(OSError, match="space"):
        cache.store(key, 1 - GRID)

    np.testing.assert_array_equal(cache.load(key), GRID.astype(np.float16))


def test_the_key_depends_on_content_specification_and_bank(cache: FeatureCache) -> None:
    other_bank = BANK.copy()
    other_bank[0, 0] = np.nextafter(np.float32(1), np.float32(2))
    keys = [
        cache.key("clip", SPEC, BANK),
        cache.key("another clip", SPEC, BANK),
        cache.key("clip", changed_spec(range_db=41.0), BANK),
        cache.key("clip", changed_spec(hop_samples=512), BANK),
        cache.key("clip", changed_spec(spectrum="magnitude"), BANK),
        cache.key("clip", SPEC, other_bank),
    ]
    assert len(set(keys)) == len(keys)


def test_the_key_is_the_same_for_the_same(cache: FeatureCache) -> None:
    assert cache.key("clip", SPEC, BANK) == cache.key("clip", changed_spec(), BANK.copy())
