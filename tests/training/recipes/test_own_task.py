from training.recipes.fit_settings import CHOSEN
from training.recipes.own_task import own_task


def test_its_limits_name_its_labels() -> None:
    recipe = own_task("mood", ["angry", "calm"])
    assert any("angry, calm" in limit for limit in recipe.not_for)
    assert recipe.labels == ("angry", "calm")


def test_it_learns_from_nothing_but_the_labels() -> None:
    supplement = own_task("mood", ["angry", "calm"]).supplement
    assert supplement.rendering is None
    assert (supplement.share, supplement.further, supplement.outside) == (0, (), ())


def test_its_head_is_chosen_by_the_clips() -> None:
    assert own_task("mood", ["angry", "calm"]).fit.head == CHOSEN
