from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from tests.training.fitting.test_linear_head import NO_COMMENT, items_of
from tests.training.tiny import TOY_ON_TOP, TOY_UNITS, with_fit
from training.data.labels import OUTSIDE
from training.fitting.embedding import on_embeddings
from training.fitting.head_choice import MIDDLE, PENALTIES, choose_head
from training.fitting.items import Item
from training.recipes.fit_settings import CHOSEN, LINEAR

ALONE = with_fit(on_embeddings(TOY_ON_TOP), head=LINEAR)
BOTH = with_fit(
    on_embeddings(TOY_ON_TOP),
    head=CHOSEN,
    epochs=5,
    batches_per_epoch=40,
    batch_size=32,
    peak_learning_rate=0.03,
)


def either_or(n: int) -> list[Item]:
    """Return clips whose label is told by two units together, of which each alone tells nothing."""
    rng = np.random.default_rng(1)
    items = []
    for number in range(n):
        grid = 0.3 * rng.standard_normal((4, TOY_UNITS))
        signs = rng.choice([-1, 1], 2)
        grid[:, :2] += signs
        label = int(signs.prod() > 0)
        items.append(Item(f"artist-{number}", label, [grid.astype(np.float16)], NO_COMMENT, 1))
    return items


def grouped(labels: Sequence[tuple[str, int]]) -> list[Item]:
    items = items_of(len(labels), seed=7, units=TOY_UNITS)
    return [
        replace(item, group=group, label=label)
        for item, (group, label) in zip(items, labels, strict=True)
    ]


def test_the_less_is_told_the_stricter_is_the_head() -> None:
    clear = choose_head(items_of(60, seed=1, apart=3.0), ALONE, seed=1)
    vague = choose_head(items_of(60, seed=1, apart=0.3), ALONE, seed=1)
    assert clear.penalty is not None
    assert vague.penalty is not None
    assert clear.penalty < vague.penalty
    assert min(t.log_loss for t in clear.trials) < min(t.log_loss for t in vague.trials)
    assert [trial.penalty for trial in vague.trials] == list(PENALTIES[: len(vague.trials)])


def test_what_no_linear_layer_can_tell_is_left_to_the_network() -> None:
    choice = choose_head(either_or(120), BOTH, seed=1)
    assert choice.penalty is None
    assert choice.trials[-1].accuracy > 0.9
    assert max(trial.accuracy for trial in choice.trials[:-1]) < 0.75
    assert choice.clips == 120


def test_where_a_linear_layer_tells_as_much_it_is_taken() -> None:
    few = items_of(30, seed=9, units=TOY_UNITS, apart=1.0)
    assert choose_head(few, BOTH, seed=1).penalty is not None


def test_no_group_is_learned_from_and_judged() -> None:
    """Where each group has a label of its own choosing, only leaks could tell it."""
    rng = np.random.default_rng(3)
    items = []
    for artist in range(20):
        voice = 3 * rng.standard_normal(TOY_UNITS)
        items += [
            Item(
                f"artist-{artist}", artist % 2, [(voice + noise).astype(np.float16)], NO_COMMENT, 1
            )
            for noise in 0.1 * rng.standard_normal((6, 1, TOY_UNITS))
        ]
    choice = choose_head(items, ALONE, seed=1)
    assert max(trial.accuracy for trial in choice.trials) < 0.75


def test_a_label_of_one_group_is_not_judged_where_it_could_not_be_learned() -> None:
    pairs = [(f"artist-{n}", n % 2) for n in range(12)]
    with_rare = choose_head(
        grouped([*pairs, ("alone", 2), ("alone", 2)]),
        replace(ALONE, vocabulary=("a", "b", "c")),
        seed=1,
    )
    assert with_rare.clips == len(pairs)


@pytest.mark.parametrize(
    "items", [grouped([("one", 0), ("one", 1)]), grouped([("one", 0), ("noise", OUTSIDE)])]
)
def test_where_nothing_can_be_held_out_a_middle_strictness_is_taken(items: list[Item]) -> None:
    choice = choose_head(items, BOTH, seed=1)
    assert (choice.penalty, choice.trials) == (MIDDLE, [])
    assert "no group could be held out" in choice.summary()


def test_it_is_told_in_a_line_what_it_was_chosen_from() -> None:
    choice = choose_head(items_of(30, seed=9, units=TOY_UNITS, apart=0.5), BOTH, seed=1)
    told = choice.summary()
    linear = min(trial.log_loss for trial in choice.trials[:-1])
    network = choice.trials[-1].log_loss
    assert told.startswith(
        f"linear layer of penalty {choice.penalty:g}, chosen by the log loss on 30"
    )
    assert f"(linear layers {linear:.3f} at best, the recipe's network {network:.3f})" in told
