"""Where between places a measure is highest: the top of a parabola through three of them."""

import numpy as np

NEARLY_NOTHING = 1e-9


def top_offset(left: float, here: float, right: float) -> float:
    """Return how far the top lies from the middle one of three places, of which it is the highest.

    In steps from one to the next, half a step at most; 0 where the three lie on a line.
    """
    bend = left - 2 * here + right
    if bend > -NEARLY_NOTHING:
        return 0.0
    return float(np.clip((left - right) / (2 * bend), -0.5, 0.5))
