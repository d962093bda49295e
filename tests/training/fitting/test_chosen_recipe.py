from pathlib import Path

import pytest

from tests.training.made import write_csv
from training.errors import TrainingError
from training.fitting.chosen_recipe import chosen_recipe
from training.fitting.material import read_labelled
from training.recipes import RECIPES


@pytest.fixture
def data(tmp_path: Path) -> Path:
    rows = [("a.wav", "calm", "folk"), ("b.wav", "angry", "electronic"), ("c.wav", "calm", "folk")]
    return write_csv(tmp_path / "mine.csv", ("file", "mood", "genre"), rows)


def test_a_shipped_recipe_is_taken_without_a_look_at_the_data(tmp_path: Path) -> None:
    assert chosen_recipe("genre", [tmp_path / "nowhere"]) is RECIPES["genre"]


def test_the_labels_of_ones_own_task_are_those_of_the_data(data: Path) -> None:
    recipe = chosen_recipe("mood", [data])
    assert (recipe.task, recipe.labels, recipe.serving.bundle) == (
        "mood",
        ("angry", "calm"),
        "mood",
    )
    assert recipe.build(0).output["logits"].shape[-1] == 2


def test_a_shipped_task_takes_other_labels_when_asked_to(data: Path) -> None:
    recipe = chosen_recipe("genre", [data], labels_from_data=True)
    assert recipe.labels == ("electronic", "folk")
    assert recipe.supplement.companion is None


def test_a_recipe_beside_its_task_has_no_labels_of_its_own(data: Path) -> None:
    with pytest.raises(TrainingError, match="genre_pictures are those of genre"):
        chosen_recipe("genre_pictures", [data], labels_from_data=True)


def test_a_file_changes_some_numbers(data: Path, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('[fit]\nhead = "linear"\n', "utf-8")
    recipe = chosen_recipe("mood", [data], changes=file)
    assert recipe.fit.head == "linear"
    assert recipe.fit.epochs == chosen_recipe("mood", [data]).fit.epochs


def test_one_label_alone_is_refused(tmp_path: Path) -> None:
    data = write_csv(tmp_path / "mine.csv", ("file", "mood"), [("a.wav", "calm")])
    with pytest.raises(TrainingError, match="two or more"):
        chosen_recipe("mood", [data])


def test_what_is_left_out_is_told_when_the_data_are_read_for_good(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rows = [("a.wav", "calm"), ("b.wav", "angry"), ("c.wav", "")]
    data = write_csv(tmp_path / "mine.csv", ("file", "mood"), rows)

    recipe = chosen_recipe("mood", [data])
    assert not caplog.messages

    assert len(read_labelled(recipe, [data])) == 2
    assert "1 without a label" in caplog.text
