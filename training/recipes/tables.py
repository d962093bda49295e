"""Recipes as TOML: to be printed, changed by hand, and kept beside what was trained by them."""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from training.errors import TrainingError
from training.recipes import RECIPES
from training.recipes.own_task import own_task
from training.recipes.recipe import Recipe

NONE = "none"
"""Stands for a value that is not set, for which TOML has no word."""

FIXED = ("name", "task", "labels")
SECTIONS = ("features", "windows", "fit", "supplement", "validation")
_TOP = ("version", "summary", "not_for")
_WITHIN_INPUTS = ("features", "windows")
_MAY_BE_NONE = (
    "features.loudness_lufs",
    "features.reference_power",
    "fit.mixup_alpha",
    "fit.patience",
    "supplement.companion",
    "supplement.outside_label",
)


def recipe_text(recipe: Recipe) -> str:
    """Return all words and numbers of a recipe as TOML; what is code in it is left out."""
    lines = [
        f"name = {_written(recipe.name)}",
        f"task = {_written(recipe.task)}",
        f"labels = {_written(recipe.labels)}",
        *(f"{name} = {_written(getattr(recipe, name))}" for name in _TOP),
    ]
    for section in SECTIONS:
        lines += ["", f"[{section}]"]
        values = _values(_part(recipe, section), section)
        lines += [f"{name} = {_written(value)}" for name, value in values.items()]
    return "\n".join(lines) + "\n"


def read_recipe_file(file: Path) -> dict[str, Any]:
    """Read a recipe, or some numbers of one, from TOML.

    Raises
    ------
    TrainingError
        The file cannot be read as TOML.
    """
    try:
        return tomllib.loads(file.read_text("utf-8-sig"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise TrainingError(f"{file} is no recipe in TOML: {error}") from error


def changed(recipe: Recipe, table: Mapping[str, Any]) -> Recipe:
    """Return a recipe with the words and numbers of a table in place of its own.

    Raises
    ------
    TrainingError
        The table names what the recipe does not have, or gives a value of another kind.
    """
    values = {key: value for key, value in table.items() if key not in FIXED}
    unknown = values.keys() - {*_TOP, *SECTIONS}
    if unknown:
        raise TrainingError(
            f"A recipe has no {', '.join(sorted(unknown))}; it has "
            f"{', '.join((*_TOP, *SECTIONS))}. python -m training recipe TASK prints one."
        )
    for name in _TOP:
        if name in values:
            old = getattr(recipe, name)
            recipe = replace(recipe, **{name: _of_kind(name, values[name], old)})
    for section in SECTIONS:
        if section in values:
            recipe = _with_part(recipe, section, values[section])
    return recipe


def kept_recipe(name: str, text: str | None) -> Recipe:
    """Return the recipe by which a run was trained.

    Parameters
    ----------
    name
        Of the recipe.
    text
        What :func:`recipe_text` said of it; None if the run kept nothing.

    Raises
    ------
    TrainingError
        No recipe of this name is shipped, and the run kept none.
    """
    if text is None:
        if name not in RECIPES:
            raise TrainingError(
                f"No recipe {name} is shipped ({', '.join(RECIPES)}), and no run has trained one. "
                f"Train it first: python -m training fit {name} --data DATA. "
                f"Its recipe is printed before, too: python -m training recipe {name} --data DATA"
            )
        return RECIPES[name]
    table = tomllib.loads(text)
    labels = table["labels"]
    shipped = name in RECIPES and tuple(labels) == RECIPES[name].labels
    return changed(RECIPES[name] if shipped else own_task(table["task"], labels), table)


def _part(recipe: Recipe, section: str) -> Any:
    return getattr(recipe.inputs if section in _WITHIN_INPUTS else recipe, section)


def _with_part(recipe: Recipe, section: str, table: Any) -> Recipe:
    part = _part(recipe, section)
    known = _values(part, section)
    if not isinstance(table, dict):
        raise TrainingError(f"[{section}] of a recipe is a table.")
    unknown = table.keys() - known
    if unknown:
        raise TrainingError(
            f"[{section}] of a recipe has no {', '.join(sorted(unknown))}; it has "
            f"{', '.join(known)}."
        )
    new = {name: _of_kind(f"{section}.{name}", value, known[name]) for name, value in table.items()}
    if section == "features" and recipe.inputs.backbone is not None and {**known, **new} != known:
        raise TrainingError(
            "The features of a recipe with a pretrained network are those that the network "
            "learned on; leave out [features]."
        )
    part = _replaced(section, part, new)
    if section in _WITHIN_INPUTS:
        return replace(recipe, inputs=replace(recipe.inputs, **{section: part}))
    return replace(recipe, **{section: part})


def _replaced(section: str, part: Any, new: Mapping[str, Any]) -> Any:
    if not isinstance(part, BaseModel):
        return replace(part, **new)
    try:
        return type(part).model_validate({**part.model_dump(), **new})
    except ValidationError as error:
        first = error.errors()[0]
        raise TrainingError(f"[{section}] {first['loc'][0]}: {first['msg']}.") from error


def _values(part: Any, section: str) -> dict[str, Any]:
    """Return what is a word, a number or a list of words in a part of a recipe."""
    if is_dataclass(part):
        values = {field.name: getattr(part, field.name) for field in fields(part)}
    else:
        values = part.model_dump()
    return {
        name: value
        for name, value in values.items()
        if _is_plain(value) or f"{section}.{name}" in _MAY_BE_NONE
    }


def _is_plain(value: object) -> bool:
    if isinstance(value, tuple):
        return all(isinstance(one, str | int | float) for one in value)
    return isinstance(value, str | bool | int | float)


def _of_kind(name: str, value: Any, old: Any) -> Any:
    """Return a value as the recipe holds it, if it is of the kind of the old one."""
    if isinstance(old, tuple):
        kind = str if all(isinstance(one, str) for one in old) else int | float
        if isinstance(value, list) and all(isinstance(one, kind) for one in value):
            return tuple(value)
        raise TrainingError(f"{name} of a recipe is a list such as {list(old)}, not {value!r}.")
    if isinstance(old, str | bool):
        fits = type(value) is type(old)
    elif value == NONE and name in _MAY_BE_NONE:
        return None
    else:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        signed = old is not None and old < 0
        whole = isinstance(value, int) or not isinstance(old, int)
        fits = number and whole and (signed or value >= 0)
    if not fits:
        raise TrainingError(f"{name} of a recipe cannot be {value!r}; now it is {old!r}.")
    return value


def _written(value: object) -> str:
    if value is None:
        return f'"{NONE}"'
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return f"[{', '.join(map(_written, value))}]"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)
