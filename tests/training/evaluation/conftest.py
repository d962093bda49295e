"""What the tests of figures share."""

import pytest

from training.evaluation import calibration, metrics

ALL = metrics.N_RESAMPLES
ALL_TEMPERATURES, ALL_WEIGHTS = calibration._MIXED_TEMPERATURES, calibration._WEIGHTS


@pytest.fixture
def all_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw intervals as finely as in use, where they are what is asked about."""
    monkeypatch.setattr(metrics, "N_RESAMPLES", ALL)


@pytest.fixture
def all_mixtures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try as many mixtures as in use, where they are what is asked about."""
    monkeypatch.setattr(calibration, "_MIXED_TEMPERATURES", ALL_TEMPERATURES)
    monkeypatch.setattr(calibration, "_WEIGHTS", ALL_WEIGHTS)
