"""Find the recipe for a task: a shipped one, or that for labels which only the data know."""

from collections.abc import Sequence
from pathlib import Path

from training.data.readers import read_data_sets
from training.data.soundness import check_labels
from training.errors import TrainingError
from training.logs import without_warnings
from training.recipes import RECIPES, Recipe
from training.recipes.own_task import own_task
from training.recipes.tables import changed, read_recipe_file


def chosen_recipe(
    name: str,
    data: Sequence[Path],
    *,
    labels_from_data: bool = False,
    changes: Path | None = None,
) -> Recipe:
    """Return the recipe to train by.

    Parameters
    ----------
    name
        Of a shipped recipe or of a task of one's own.
    data
        What to learn from; read for the labels where no vocabulary is known.
    labels_from_data
        Whether to take the labels from the data for a shipped recipe too.
    changes
        TOML with words and numbers in place of the recipe's own.

    Raises
    ------
    TrainingError
        Nothing can be learned from the data's labels, or the changes do not fit.
    """
    if name in RECIPES and not labels_from_data:
        recipe = RECIPES[name]
    elif name in RECIPES and RECIPES[name].task != name:
        raise TrainingError(f"The labels of {name} are those of {RECIPES[name].task}.")
    else:
        with without_warnings():
            clips = read_data_sets(data, name, as_written=True)
        labels = sorted({clip.label for clip in clips})
        check_labels(name, labels)
        recipe = own_task(name, labels)
    return recipe if changes is None else changed(recipe, read_recipe_file(changes))
