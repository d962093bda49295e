"""Cut clips into the windows that count in what is said of them, as the service does."""

import numpy as np

from service.inference.windows import Windows, WindowSpec, cut_counting_windows, cut_windows
from training.data.cache import HalfGrid
from training.recipes import Recipe

# Of what a backbone has heard: one frame for each window that counts.
EMBEDDED_WINDOWS = WindowSpec(frames=1, stride_frames=1, short="repeat")


def cut_counting(grid: HalfGrid, recipe: Recipe) -> Windows:
    """Cut a grid of a recipe's features, shape [frames, bands], to [n_windows, frames, bands].

    Windows of silence do not count, unless a timeline tells what is silence. Of embeddings, all
    count: those of silence were never made.
    """
    spec, whole = recipe.inputs.windows, grid.astype(np.float32)
    if recipe.serving.timeline is not None or spec == EMBEDDED_WINDOWS:
        return cut_windows(whole, spec)
    return cut_counting_windows(whole, spec, recipe.inputs.features.range_db).windows[:]
