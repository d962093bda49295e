import tomllib
from pathlib import Path

import pytest

from training.errors import TrainingError
from training.recipes import RECIPES
from training.recipes.own_task import own_task
from training.recipes.tables import changed, kept_recipe, read_recipe_file, recipe_text

GENRE = RECIPES["genre"]
OWN = own_task("instrument", ["flute", "violin"])


@pytest.mark.parametrize("name", RECIPES)
def test_a_shipped_recipe_reads_back_as_it_is(name: str) -> None:
    recipe = RECIPES[name]
    assert changed(recipe, tomllib.loads(recipe_text(recipe))) == recipe
    assert kept_recipe(name, recipe_text(recipe)) == recipe


def test_a_task_of_ones_own_is_made_again_from_what_its_run_kept() -> None:
    text = recipe_text(changed(OWN, {"fit": {"epochs": 7}}))
    again = kept_recipe("instrument", text)
    assert again.labels == ("flute", "violin")
    assert again.fit.epochs == 7
    assert recipe_text(again) == text


def test_numbers_are_changed_one_by_one() -> None:
    table = {
        "version": "9.0.0",
        "fit": {"epochs": 3, "patience": "none", "weight_decay": 1},
        "windows": {"stride_frames": 187},
        "supplement": {"outside": []},
    }
    recipe = changed(GENRE, table)
    assert (recipe.version, recipe.fit.epochs, recipe.fit.patience) == ("9.0.0", 3, None)
    assert recipe.fit.weight_decay == 1
    assert recipe.fit.batch_size == GENRE.fit.batch_size
    assert recipe.inputs.windows.stride_frames == 187
    assert recipe.supplement.outside == ()


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"layers": 3}, "no layers"),
        ({"fit": {"epoch": 3}}, "no epoch; it has epochs"),
        ({"fit": {"epochs": 3.5}}, r"fit\.epochs of a recipe cannot be 3\.5; now it is 40"),
        ({"fit": {"epochs": True}}, "cannot be True"),
        ({"fit": {"weight_decay": -1}}, "cannot be -1"),
        ({"fit": {"epochs": "none"}}, "cannot be 'none'"),
        ({"fit": {"head": "flat"}}, "network, linear or chosen, not flat"),
        ({"fit": 3}, "is a table"),
        ({"windows": {"frames": 0}}, "frames"),
        ({"features": {"bands": 64}}, "pretrained network"),
        ({"not_for": "speech"}, "a list such as"),
        ({"summary": 3}, "cannot be 3"),
    ],
)
def test_what_a_recipe_cannot_take_is_refused(table: dict[str, object], message: str) -> None:
    with pytest.raises(TrainingError, match=message):
        changed(GENRE, table)


def test_an_unknown_task_without_a_run_says_how_to_train_it() -> None:
    with pytest.raises(TrainingError, match="fit instrument --data DATA"):
        kept_recipe("instrument", None)


def test_a_file_that_is_no_toml_is_named(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("epochs: 3", "utf-8")
    with pytest.raises(TrainingError, match=r"mine\.toml is no recipe in TOML"):
        read_recipe_file(file)


def test_a_recipe_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("[fit]\nepochs = 3", "utf-8-sig")
    assert read_recipe_file(file) == {"fit": {"epochs": 3}}
