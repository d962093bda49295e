"""Jobs of fits that take a second, and what they fit."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.training.tiny import TOY
from training.data.cache import FeatureCache
from training.fitting import fit_task, fit_without
from training.fitting.beside import Beside
from training.fitting.fit_job import FitJob
from training.fitting.fit_network import Fitted
from training.fitting.items import Material
from training.fitting.run_folder import RunFolder
from training.recipes import Recipe


class Talking:
    """A teacher that tells the number of each clip, whatever it sounds like."""

    def __init__(self, _: FeatureCache) -> None:
        pass

    def ask(self, sources: Sequence[object]) -> list[NDArray[np.float32]]:
        return [np.full((1, 3), n, np.float32) for n, _ in enumerate(sources)]


def make_job(tmp_path: Path, data: Path, recipe: Recipe = TOY, **changes: Any) -> FitJob:
    job = FitJob(
        recipe=recipe,
        data=[data],
        run=RunFolder(tmp_path / "run"),
        cache=FeatureCache(tmp_path / "cache"),
        seed=1,
        beside=Beside(),
        with_folds=True,
        cluster=None,
        command="python -m training fit",
    )
    return replace(job, **changes)


@contextmanager
def watched_fits() -> Iterator[list[tuple[str, set[str]]]]:
    """Tell what is fitted meanwhile: the name and the groups learned from or stopped on."""
    done: list[tuple[str, set[str]]] = []
    fit = fit_without.fit_without

    def watched(job: FitJob, gathered: Material, groups: set[str], name: str) -> Fitted:
        items = gathered.without_groups(gathered.items, groups)
        done.append((name, {item.group for item in items}))
        return fit(job, gathered, groups, name)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fit_task, "fit_without", watched)
        yield done
