from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from service.audio.decode import Samples
from service.inference.features import FeatureSpec, FilterBank, Grid
from tests.training.comparison.small import use_small_systems
from tests.training.comparison.test_exams import write_grids
from tests.training.made import write_moods
from tests.training.tiny import TOY
from training.comparison import compare_job, systems, table, taught
from training.comparison.compare_job import CompareJob, compare
from training.comparison.exams import ACROSS, BY_ARTIST
from training.comparison.systems import System
from training.data.cache import FeatureCache
from training.errors import TrainingError
from training.fitting.fit_job import FitJob
from training.fitting.fit_network import Fitted
from training.fitting.items import Material
from training.fitting.judging import judge
from training.recipes import Recipe

CNN, LSTM = System("cnn", "log_mel"), System("lstm", "log_mel")


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    use_small_systems(monkeypatch)
    monkeypatch.setattr(compare_job, "serving_times_ms", lambda *_: (2.0, 1.0))


@pytest.fixture
def fits(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, set[str]]]:
    """What was to be trained: the system, what was held out, and the groups to learn from.

    Nothing is trained, and nothing drawn.
    """
    done: list[tuple[str, str, set[str]]] = []

    def untrained(job: FitJob, material: Material, groups: set[str], name: str) -> Fitted:
        items = material.without_groups(material.items, groups)
        done.append((job.recipe.name, name, {item.group for item in items}))
        return Fitted(job.recipe.build(0), {"loss": [1.0]})

    monkeypatch.setattr(compare_job, "fit_without", untrained)
    monkeypatch.setattr(table, "draw", lambda _: Figure((1, 1)))
    return done


def make_job(tmp_path: Path, systems: Sequence[System] = (CNN, LSTM), **changes: Any) -> CompareJob:
    job = CompareJob(
        task="emotion",
        systems=systems,
        data=[tmp_path / "data"],
        run=tmp_path / "run",
        cache=FeatureCache(tmp_path / "cache"),
        n_folds=1,
        across=False,
        seed=1,
        cluster=None,
        teachers=tmp_path / "teachers",
        command="python -m training compare emotion",
    )
    return replace(job, **changes)


def test_systems_learn_and_their_figures_and_costs_are_written(tmp_path: Path) -> None:
    write_moods(tmp_path / "data")

    comparison = compare(make_job(tmp_path, [CNN], n_folds=2))

    (row,) = comparison.rows
    assert (row.model, row.features) == ("cnn", "log_mel")
    pooled = row.exams[BY_ARTIST][0]
    assert pooled.n == 4
    assert pooled.accuracy.value > 0.5  # low and high tones are easily told apart
    assert row.cost.answer_ms == 3.0
    assert row.cost.parameters == 14
    assert row.cost.epochs == TOY.fit.epochs
    assert row.cost.fit_s > 0
    for name in ("compare.md", "compare.json", "compare.png"):
        assert (tmp_path / "run" / name).exists()


def test_all_systems_learn_from_the_same_artists(
    tmp_path: Path, fits: list[tuple[str, str, set[str]]]
) -> None:
    write_moods(tmp_path / "data")

    comparison = compare(make_job(tmp_path, n_folds=2))

    learned: dict[str, list[set[str]]] = {}
    for system, _, groups in fits:
        learned.setdefault(system, []).append(groups)
    first, second = learned.values()
    assert first == second
    assert [row.exams[BY_ARTIST][0].n for row in comparison.rows] == [4, 4]


def test_a_comparison_that_was_killed_goes_on_where_it_was(
    tmp_path: Path, fits: list[tuple[str, str, set[str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_moods(tmp_path / "data")

    def killed(recipe: Recipe, *rest: Any) -> Any:
        if recipe.name == "emotion lstm-log_mel":
            raise KeyboardInterrupt
        return judge(recipe, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(compare_job, "judge", killed)
        with pytest.raises(KeyboardInterrupt):
            compare(make_job(tmp_path))
    fits.clear()

    comparison = compare(make_job(tmp_path))

    assert [system for system, *_ in fits] == ["emotion lstm-log_mel"]
    assert len(comparison.rows) == 2
    assert comparison.rows[1].cost.epochs > 0


def test_systems_can_be_added_to_a_run(
    tmp_path: Path, fits: list[tuple[str, str, set[str]]]
) -> None:
    write_moods(tmp_path / "data")
    compare(make_job(tmp_path, [LSTM]))

    comparison = compare(make_job(tmp_path, [CNN]))

    assert [system for system, *_ in fits] == ["emotion lstm-log_mel", "emotion cnn-log_mel"]
    assert [row.model for row in comparison.rows] == ["cnn", "lstm"]


def test_each_data_set_can_be_held_out(
    tmp_path: Path, fits: list[tuple[str, str, set[str]]]
) -> None:
    write_moods(tmp_path / "data")

    comparison = compare(make_job(tmp_path, [CNN], across=True))

    assert [name for _, name, _ in fits] == ["groups-1", "first", "second"]
    assert fits[1][2] == {"extra-artist-4", "extra-artist-5"}
    assert comparison.rows[0].exams[ACROSS][0].n == 6


@pytest.mark.usefixtures("fits")
def test_a_run_on_other_data_is_refused(tmp_path: Path) -> None:
    write_moods(tmp_path / "data")
    compare(make_job(tmp_path, [CNN]))
    write_moods(tmp_path / "data", ("extra", "train"))

    with pytest.raises(TrainingError, match="holds a run on other data"):
        compare(make_job(tmp_path, [LSTM]))


def test_a_missing_teacher_is_told_before_anything_is_trained(
    tmp_path: Path, fits: list[tuple[str, str, set[str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = systems.MODELS["cnn"]
    monkeypatch.setitem(systems.MODELS, "cnn", replace(model, features=("log_mel", "mn04")))
    write_moods(tmp_path / "data")

    with pytest.raises(TrainingError, match=r"mn04\.onnx"):
        compare(make_job(tmp_path, [CNN, System("cnn", "mn04")]))

    assert fits == []


@pytest.mark.usefixtures("fits")
def test_what_teachers_say_is_learned_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = systems.MODELS["cnn"]
    monkeypatch.setitem(systems.MODELS, "cnn", replace(model, features=("mn04",)))
    monkeypatch.setattr(taught.Asked, "check", lambda *_: None)

    def said(_: taught.Asked, samples: Samples, spec: FeatureSpec, bank: FilterBank) -> Grid:
        assert len(bank) == spec.bands
        return np.full((2, spec.bands), np.abs(np.diff(samples)).mean(), np.float32)

    monkeypatch.setattr(taught.Asked, "__call__", said)
    write_moods(tmp_path / "data")

    comparison = compare(make_job(tmp_path, [System("cnn", "mn04")], n_folds=2))

    (row,) = comparison.rows
    assert row.outside_service
    assert row.exams[BY_ARTIST][0].n == 4


def test_pictures_that_are_not_there_are_named(tmp_path: Path) -> None:
    write_moods(tmp_path / "data")
    manifest = tmp_path / "data" / "emotion.csv"
    words = manifest.read_text("utf-8").replace("emotion", "genre").replace("sad", "jazz")
    (tmp_path / "data" / "genre.csv").write_text(words.replace("happy", "rock"), "utf-8")

    with pytest.raises(TrainingError, match="none of the GTZAN pictures"):
        compare(make_job(tmp_path, [System("cnn", "pictures")], task="genre"))


def test_pictures_are_judged_on_the_official_lists(
    tmp_path: Path, fits: list[tuple[str, str, set[str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = systems.MODELS["cnn"]
    monkeypatch.setitem(systems.MODELS, "cnn", replace(model, features=("log_mel", "pictures")))
    (tmp_path / "data").mkdir()
    write_grids(tmp_path / "data" / "gtzan_mel.npz")

    comparison = compare(make_job(tmp_path, [System("cnn", "pictures")], task="genre"))

    assert [groups for *_, groups in fits] == [{"a", "b"}]
    (row,) = comparison.rows
    assert row.exams["gtzan_lists"][0].data_set == "gtzan validation list"
