from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tests.training.fitting.jobs import make_job
from tests.training.made import write_moods
from tests.training.tiny import TOY_ON_TOP, noisy, with_fit
from training.fitting import fit_without
from training.fitting.fit_task import fit
from training.fitting.items import Item
from training.fitting.run_folder import FINAL
from training.fitting.trials import HeadChoice
from training.recipes import Recipe
from training.recipes.fit_settings import CHOSEN, LINEAR


@pytest.mark.usefixtures("_untrained")
def test_the_head_is_chosen_for_each_network_by_what_it_learns_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[set[str]] = []

    def choose(items: Sequence[Item], recipe: Recipe, seed: int) -> HeadChoice:  # noqa: ARG001
        asked.append({item.group for item in items})
        return HeadChoice(penalty=None if len(asked) == 1 else 0.1)

    monkeypatch.setattr(fit_without, "choose_head", choose)
    recipe = with_fit(replace(TOY_ON_TOP, augment=noisy), head=CHOSEN)
    job = make_job(tmp_path, write_moods(tmp_path / "data"), recipe)
    fit(job)

    assert len(asked) == len(job.run.folds()) + 1
    for fold, groups in zip(job.run.folds(), asked, strict=False):
        assert not groups & set(fold.groups)
    assert {name: choice.penalty for name, choice in job.run.head_choices().items()} == {
        FINAL: 0.1, "groups-1": None, "groups-2": 0.1,
    }  # fmt: skip
    assert job.run.record().network == "linear_net"
    assert "embedding_net" in [layer.name for layer in job.run.fold_network("groups-1").layers]


def test_a_choice_that_was_made_is_not_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = with_fit(TOY_ON_TOP, head=LINEAR)
    job = make_job(tmp_path, write_moods(tmp_path / "data"), recipe, with_folds=False)
    job.run.keep_head_choice(FINAL, HeadChoice(penalty=0.3))
    monkeypatch.setattr(fit_without, "choose_head", lambda *_: pytest.fail("chosen again"))
    fit(job)
    assert job.run.record().network == "linear_net"


@pytest.mark.usefixtures("_untrained")
@pytest.mark.parametrize(("few", "epochs"), [(250, 1), (0, TOY_ON_TOP.fit.epochs)])
def test_of_few_clips_a_network_is_trained_as_short_as_it_was_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, few: int, epochs: int
) -> None:
    monkeypatch.setattr(fit_without, "FEW_CLIPS", few)
    recipe = with_fit(TOY_ON_TOP, head=CHOSEN, patience=None)
    job = make_job(tmp_path, write_moods(tmp_path / "data"), recipe, with_folds=False)
    job.run.keep_head_choice(FINAL, HeadChoice(penalty=None))
    fit(job)
    assert job.run.record().epochs == epochs
