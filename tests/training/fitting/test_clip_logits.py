import numpy as np

from tests.training.tiny import TOY, toy_examples
from training.fitting.clip_logits import clip_logits
from training.fitting.counting import cut_counting

TRAIN = toy_examples([0, 1] * 10)


def test_clip_logits_are_the_mean_over_the_clips_windows_that_count() -> None:
    network = TOY.build(0)
    long, short = TRAIN.grids[0], TRAIN.grids[1][:5]

    logits = clip_logits(network, [long, short], TOY)

    assert logits.shape == (2, 2)
    for grid, answer in zip((long, short), logits, strict=True):
        windows = cut_counting(grid, TOY)
        expected = np.asarray(network(windows)["logits"]).mean(axis=0)
        np.testing.assert_allclose(answer, expected, atol=1e-5)
