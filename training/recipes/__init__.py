"""How each task is trained: features, windows, network, augmentation, validation.

This is the one place where the numbers of the shipped models stand, one module a recipe.
"""

from training.recipes.chord import CHORD
from training.recipes.emotion import EMOTION
from training.recipes.genre import GENRE
from training.recipes.genre_pictures import GENRE_PICTURES
from training.recipes.genre_statistics import GENRE_STATISTICS
from training.recipes.recipe import Recipe

RECIPES = {
    recipe.name: recipe for recipe in (GENRE, CHORD, EMOTION, GENRE_PICTURES, GENRE_STATISTICS)
}

__all__ = [
    "CHORD",
    "EMOTION",
    "GENRE",
    "GENRE_PICTURES",
    "GENRE_STATISTICS",
    "RECIPES",
    "Recipe",
]
