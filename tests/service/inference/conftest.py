"""Folders of bundles that are whole, for tests to load or to damage."""

from pathlib import Path

import pytest

from service.inference.bundle import Bundle
from tests.bundles import write_bundle
from tests.service.inference.refusals import CONTEXT_RATE_HZ


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_bundle(tmp_path / "genre")


@pytest.fixture
def embedding_folder(tmp_path: Path) -> Path:
    return write_bundle(tmp_path / "emotion", embedding_gain=2.0)


@pytest.fixture
def rated_folder(tmp_path: Path) -> Path:
    return write_bundle(tmp_path / "emotion", embedding_gain=2.0, rating_bands={"energy": 3})


@pytest.fixture
def context_folder(tmp_path: Path) -> Path:
    return write_bundle(
        tmp_path / "emotion",
        embedding_gain=2.0,
        rating_bands={"energy": 3},
        context_rate_hz=CONTEXT_RATE_HZ,
    )


@pytest.fixture(scope="module")
def genre(models_dir: Path) -> Bundle:
    return Bundle.load(models_dir / "genre")
