from dataclasses import replace
from pathlib import Path

import keras
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tests.training.fitting.jobs import make_job
from tests.training.made import write_moods
from tests.training.tiny import TOY, TOY_ON_TOP, with_fit
from training.errors import TrainingError
from training.fitting import tensorboard
from training.fitting.fit_task import fit
from training.recipes import Recipe
from training.recipes.fit_settings import LINEAR


def logged(folder: Path) -> list[str]:
    events = EventAccumulator(str(folder), size_guidance={"tensors": 0}).Reload()
    return [str(tag) for tag in events.Tags()["tensors"]]


@pytest.mark.parametrize(
    "recipe",
    [with_fit(TOY, epochs=1), with_fit(TOY_ON_TOP, head=LINEAR)],
    ids=["network", "linear head"],
)
def test_every_training_leaves_its_losses_where_it_is_asked_for(
    tmp_path: Path, recipe: Recipe
) -> None:
    job = make_job(tmp_path, write_moods(tmp_path / "data"), recipe)
    keras.utils.set_random_seed(0)
    fit(replace(job, tensorboard=True))

    for name in ("final", *(fold.name for fold in job.run.folds())):
        assert any("loss" in tag for tag in logged(job.run.tensorboard(name) / "train")), name


def test_where_it_is_not_installed_the_mend_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tensorboard, "find_spec", lambda _: None)
    with pytest.raises(TrainingError, match="training"):
        tensorboard.require_tensorboard()
