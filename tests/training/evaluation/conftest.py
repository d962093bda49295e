"""What the tests of figures share."""

import pytest

from training.evaluation import metrics

ALL = metrics.N_RESAMPLES


@pytest.fixture
def all_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw intervals as finely as in use, where they are what is asked about."""
    monkeypatch.setattr(metrics, "N_RESAMPLES", ALL)
