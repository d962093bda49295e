from dataclasses import replace

import numpy as np

from tests.training.tiny import TOY_ON_TOP
from training.data.labels import OUTSIDE, UNLABELLED
from training.fitting.clip_logits import clip_logits
from training.fitting.embedding import on_embeddings
from training.fitting.items import Item
from training.fitting.linear_head import Head, Heard, Path, fit_linear_head

NO_COMMENT = np.zeros((0, 0), np.float32)
UNITS = 40


def items_of(n: int, *, seed: int, apart: float = 1.5, units: int = UNITS) -> list[Item]:
    """Return clips of two windows; the first unit tells the label, the others are chance."""
    rng = np.random.default_rng(seed)
    items = []
    for number in range(n):
        grid = rng.standard_normal((2, units))
        grid[:, 0] += apart * (-1) ** number
        items.append(Item(f"artist-{number}", number % 2, [grid.astype(np.float16)], NO_COMMENT, 1))
    return items


def test_it_learns_what_tells_the_labels_apart() -> None:
    fitted = fit_linear_head(items_of(40, seed=1, apart=3.0), TOY_ON_TOP, 1.0)
    unseen = items_of(200, seed=2, apart=3.0)
    logits = clip_logits(
        fitted.network, [item.grids[0] for item in unseen], on_embeddings(TOY_ON_TOP)
    )
    right = logits.argmax(axis=1) == [item.label for item in unseen]
    assert right.mean() > 0.8
    assert fitted.history["loss"][-1] < fitted.history["loss"][0]


def test_a_sound_of_no_label_is_learned_to_be_unsure_of() -> None:
    rng = np.random.default_rng(0)
    own = items_of(40, seed=1)
    far = 4 + rng.standard_normal((30, 1, UNITS))
    strangers = [Item("talk", OUTSIDE, [g.astype(np.float16)], NO_COMMENT, 1) for g in far]
    unknown = replace(own[0], label=UNLABELLED)

    def sureness(items: list[Item]) -> float:
        network = fit_linear_head(items, TOY_ON_TOP, 0.3).network
        logits = clip_logits(network, [s.grids[0] for s in strangers], on_embeddings(TOY_ON_TOP))
        return float(np.abs(np.diff(logits, axis=1)).mean())

    assert sureness([*own, *strangers, unknown]) < sureness(own)


def test_weights_and_penalty_have_their_say() -> None:
    embeddings = np.array([[1.0], [1.0], [-1.0]])
    targets = np.eye(2)[[0, 1, 1]]
    even = Path(Heard(embeddings, targets, np.ones(3))).head(0.01)
    heavy = Path(Heard(embeddings, targets, np.array([9.0, 1, 1]))).head(0.01)
    strict = Path(Heard(embeddings, targets, np.ones(3))).head(100.0)

    def logit(head: Head) -> float:
        first = head.logits(embeddings)[0]
        return float(first[0] - first[1])

    assert logit(heavy) > logit(even) > logit(strict)


def test_the_way_to_a_penalty_does_not_matter() -> None:
    """Neither which heads were sought before, nor whether there are more clips than units."""
    for n in (UNITS // 2, 3 * UNITS):
        heard = Heard.of(items_of(n, seed=3), 2)
        path = Path(heard)
        path.head(10.0)
        at_last, at_once = path.head(0.1), Path(heard).head(0.1)
        assert at_last.losses[0] < at_once.losses[0]
        unseen = Heard.of(items_of(30, seed=4), 2).embeddings
        np.testing.assert_allclose(at_last.logits(unseen), at_once.logits(unseen), atol=5e-3)
