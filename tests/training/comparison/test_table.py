from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.training.runs import make_fold, write_run
from tests.training.tiny import TINY_GENRE
from training.comparison.cost import Cost
from training.comparison.exams import ACROSS, BY_ARTIST, GTZAN_LISTS, PROTOCOLS
from training.comparison.table import Comparison, Row, data_sets_table, markdown, write
from training.evaluation.metrics import with_interval
from training.fitting.run_folder import HELD_BACK_FOLD
from training.results.figures import UNCALIBRATED, evaluations


def make_row(path: Path, model: str, features: str, exam: str, right: float = 0.7) -> Row:
    name = HELD_BACK_FOLD if exam == GTZAN_LISTS else "groups-1"
    fold = make_fold(TINY_GENRE, name, data_sets=("one", "two"), right=right)
    run = write_run(path / model / features, folds=[fold])
    return Row(
        model=model,
        features=features,
        outside_service=features == "handcrafted",
        cost=Cost(parameters=12_345, epochs=2, fit_s=60.4, features_ms=3.25, network_ms=1.5),
        exams={exam: evaluations(TINY_GENRE, run, UNCALIBRATED)},
    )


@pytest.fixture(scope="module")
def comparison(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    path = tmp_path_factory.mktemp("rows")
    return Comparison(
        task="genre",
        command="python -m training compare genre --data made",
        seed=1,
        rows=[
            make_row(path, "mlp", "handcrafted", BY_ARTIST),
            make_row(path, "cnn", "log_mel", BY_ARTIST, right=0.9),
            make_row(path, "cnn", "pictures", GTZAN_LISTS),
        ],
    )


def test_a_line_holds_figures_and_costs(comparison: Comparison) -> None:
    figures = comparison.rows[1].exams[BY_ARTIST][0]
    line = (
        f"| cnn | log_mel | 48 | {with_interval(figures.accuracy)} "
        f"| {with_interval(figures.balanced_accuracy)} | 12,345 | 60 | 3.2 + 1.5 |"
    )
    assert line in markdown(comparison).splitlines()


def test_features_that_cannot_be_served_are_marked(comparison: Comparison) -> None:
    text = markdown(comparison)
    assert "| mlp | handcrafted † |" in text
    assert "† In training alone, by librosa" in text


def test_the_pictures_have_a_table_of_their_own(comparison: Comparison) -> None:
    by_artist, lists = markdown(comparison).split("## The GTZAN pictures")
    assert "| cnn | pictures |" not in by_artist
    assert "| cnn | pictures |" in lists
    assert PROTOCOLS[GTZAN_LISTS] in lists


def test_accuracy_by_data_set_has_one_column_each(comparison: Comparison) -> None:
    rows = comparison.rows[:2]
    lines = data_sets_table(rows, BY_ARTIST).splitlines()
    heads = "all (n = 48) | one (n = 24) | two (n = 24)"
    assert lines[0] == f"| model | features | {heads} |"
    cells = [with_interval(figures.accuracy) for figures in rows[1].exams[BY_ARTIST]]
    assert lines[3] == f"| cnn | log_mel | {' | '.join(cells)} |"


def test_data_sets_held_out_are_told_apart(comparison: Comparison, tmp_path: Path) -> None:
    across = comparison.model_copy(
        update={"rows": [make_row(tmp_path, "cnn", "log_mel", ACROSS), *comparison.rows]}
    )
    assert "## Across data sets" in markdown(across)
    assert "## Across data sets" not in markdown(comparison)


def test_all_forms_are_written(comparison: Comparison, tmp_path: Path) -> None:
    write(comparison, tmp_path)
    text = (tmp_path / "compare.json").read_text("utf-8")
    assert Comparison.model_validate_json(text) == comparison
    assert (tmp_path / "compare.md").read_text("utf-8") == markdown(comparison)
    with Image.open(tmp_path / "compare.png") as picture:
        pixels = np.asarray(picture.convert("L"))
    assert min(pixels.shape) > 200
    assert pixels.std() > 5
