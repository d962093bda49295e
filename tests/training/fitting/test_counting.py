from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from service.inference.timeline import TimelineSpec
from service.inference.windows import cut_windows
from tests.training.tiny import TOY, TOY_BANDS, TOY_FRAMES, TOY_ON_TOP
from training.fitting.counting import cut_counting
from training.fitting.embedding import on_embeddings
from training.recipes.recipe import Serving


def half_silent() -> NDArray[np.float16]:
    """Return a grid of which the first three windows are silent."""
    grid = np.random.default_rng(0).random((6 * TOY_FRAMES, TOY_BANDS)).astype(np.float16)
    grid[: 3 * TOY_FRAMES] = 0
    return grid


def test_windows_of_silence_do_not_count() -> None:
    grid = half_silent()
    all_windows = cut_windows(grid.astype(np.float32), TOY.inputs.windows)
    counting = cut_counting(grid, TOY)
    assert len(counting) < len(all_windows)
    np.testing.assert_array_equal(counting, all_windows[len(all_windows) - len(counting) :])
    assert all(window.max() > 0 for window in counting)


def test_all_count_where_a_timeline_tells_what_is_silence() -> None:
    grid = half_silent()
    timed = replace(TOY, serving=Serving(timeline=TimelineSpec(change_probability=0.1)))
    assert len(cut_counting(grid, timed)) > len(cut_counting(grid, TOY))


def test_all_that_a_backbone_heard_counts() -> None:
    embeddings = np.zeros((7, 5), np.float16)
    embeddings[0] = 1
    assert cut_counting(embeddings, on_embeddings(TOY_ON_TOP)).shape == (7, 1, 5)
