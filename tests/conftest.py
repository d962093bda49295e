"""Fixtures that several test modules share."""

from pathlib import Path

import pytest

from tests.bundles import write_models


@pytest.fixture(scope="session")
def models_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny bundle for each of the three tasks; not to be written to."""
    return write_models(tmp_path_factory.mktemp("models"))
