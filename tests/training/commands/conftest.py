import pytest

from tests.training.tiny import LINEAR_CHORD, TINY_GENRE
from tests.training.untrained import train_the_last
from training.fitting import fit_without
from training.recipes import RECIPES


@pytest.fixture
def _tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """Recipes that train in a second, and only the network that is kept."""
    monkeypatch.setitem(RECIPES, "chord", LINEAR_CHORD)
    monkeypatch.setitem(RECIPES, "genre", TINY_GENRE)
    monkeypatch.setattr(fit_without, "fit_network", train_the_last)
