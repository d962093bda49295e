"""Fixtures of the tests of fits."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.training.fitting.jobs import watched_fits
from tests.training.untrained import leave_untrained
from training.data.cache import FeatureCache
from training.fitting import fit_without


@pytest.fixture
def cache(tmp_path: Path) -> FeatureCache:
    """An empty cache of features."""
    return FeatureCache(tmp_path / "cache")


@pytest.fixture
def fits() -> Iterator[list[tuple[str, set[str]]]]:
    """What a test fits; see :func:`watched_fits`."""
    with watched_fits() as done:
        yield done


@pytest.fixture
def _untrained(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have networks learn nothing: what is asked is what they would learn from."""
    monkeypatch.setattr(fit_without, "fit_network", leave_untrained)
