"""Fixtures of the training's tests."""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from tests.training.runs import write_run
from tests.training.tiny import TINY_GENRE
from training.evaluation import calibration, metrics
from training.results.export import export


@pytest.fixture(scope="session", autouse=True)
def _one_thread_for_small_matrices() -> Iterator[None]:
    """On busy cores, threads that wait for each other multiply the time of a small product."""
    with threadpool_limits(1):
        yield


@pytest.fixture(scope="session", autouse=True)
def _few_resamples() -> Iterator[None]:
    """Draw rough intervals: most tests ask only for the values that they are around."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(metrics, "N_RESAMPLES", 50)
        yield


@pytest.fixture(scope="session", autouse=True)
def _few_mixtures() -> Iterator[None]:
    """Try few mixtures of answers and guesses: most tests ask only that one is found."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(calibration, "_MIXED_TEMPERATURES", np.geomspace(0.1, 10, 24))
        patch.setattr(calibration, "_WEIGHTS", np.linspace(0, 1, 11))
        yield


@pytest.fixture(autouse=True)
def _no_test_silences_the_progress_bars_of_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put back what ``--quiet`` sets for the process and its children."""
    monkeypatch.setenv("TQDM_DISABLE", os.environ.get("TQDM_DISABLE", ""))


@pytest.fixture(scope="session")
def genre_bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of a network with random weights on the features of genre; not to be changed."""
    folder = tmp_path_factory.mktemp("exported")
    return export(TINY_GENRE, write_run(folder / "run"), folder / "models")
