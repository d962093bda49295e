"""Round a listener to whole numbers, so that the service can run it with integers.

What is heard at each place is counted in steps, each a power of two, so that sums of counts with
different steps are exact, and all processors agree. The weights between are whole numbers, too
(:mod:`training.listener.whole_weights`). The first convolution has few weights and costs little,
and what is lost in it is heard everywhere; it keeps as many bits as its sums of products may have
to be exact. What follows the last convolution in width is as it was.
"""

import logging
from collections.abc import Callable, Mapping, Sequence

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from training.listener.whole_weights import WINDOWS_AT_ONCE, Counted, counted
from training.networks.listener import HEARD, LEVELS, PLACE, Form, Size, build, hearing, with_kinds
from training.networks.whole_numbers import WholeSteps

logger = logging.getLogger(__name__)

LARGEST_EXACT = 2**24
"""Up to here, all whole numbers are floating-point ones of single precision."""

HEARD_STEP = 1 / LEVELS

_CLIPPING = (0, 1, 2, 3)  # Halvings of the step that holds all, of which the best is taken.
_SAMPLED = 2_000  # Values of each place and batch of windows, from which the best is found.
_JUDGED = 128  # Windows on which steps are then tried.

Array = NDArray[np.float32]
Steps = dict[str, float]


def round_off(plain: keras.Model, windows: Array, size: Size | None = None) -> keras.Model:
    """Return a listener of whole numbers that hears as nearly the same as it can.

    Parameters
    ----------
    plain
        A folded listener with kinds.
    windows
        What it is likely to hear, shape [n, 187, 96].
    size
        How large it is.
    """
    said, size = plain.get_layer("said").units, size or Size()
    whole = with_kinds(build(said, size, form=Form.WHOLE))
    for layer in plain.layers:
        if layer.weights:
            whole.get_layer(layer.name).set_weights(layer.get_weights())
    _set_factor(whole.get_layer(HEARD), 1 / HEARD_STEP)
    between = [one for one in plain.layers if isinstance(one, layers.Conv2D)][1:-1]
    weights = {one.name: counted(one, plain, windows) for one in between}
    judged = windows[:: max(1, len(windows) // _JUDGED)]
    true = hearing(plain).predict_on_batch(judged)
    heard = hearing(whole)

    def off(steps: Steps) -> float:
        """Return the deviation of the embedding, as a share of how much it varies."""
        _take(steps, plain, whole, weights)
        found = heard.predict_on_batch(judged)
        return float(np.sqrt(np.mean((found - true) ** 2) / np.var(true)))

    steps = _tried(_steps(plain, whole, windows), _alike(plain), off)
    logger.info("rounded to whole numbers, the embedding is off by %.1f%%", 100 * off(steps))
    return whole


def _take(
    steps: Steps, plain: keras.Model, whole: keras.Model, weights: Mapping[str, Counted]
) -> None:
    """Give a listener of whole numbers the weights and factors that go with some steps."""
    first, *between, last = [one for one in plain.layers if isinstance(one, layers.Conv2D)]
    _round_first(first, plain, whole, steps)
    for convolution in between:
        rounded, (_, bias) = weights[convolution.name], convolution.get_weights()
        before, after = steps[_before(convolution, plain)], _after(convolution, plain)
        counts = [rounded.counts, np.round(bias / (before * rounded.step))]
        whole.get_layer(convolution.name).set_weights(counts)
        _set_factor(whole.get_layer(after), before * rounded.step / steps[after])
    kernel, bias = last.get_weights()
    whole.get_layer(last.name).set_weights([kernel * steps[_before(last, plain)], bias])
    for total in _sums(plain):
        into = _after(total, plain)
        _set_factor(whole.get_layer(into), steps[_before(total, plain)] / steps[into])


def _tried(steps: Steps, alike: Sequence[tuple[str, ...]], off: Callable[[Steps], float]) -> Steps:
    """Return steps with which less is lost: at each place half and twice as long ones are tried.

    What is lost at a place by itself does not tell: loud values that are clipped there may matter
    less than all others that are rounded.
    """
    least = off(steps)
    for places in alike:
        for factor in (0.5, 2.0):
            other = steps | {place: factor * steps[place] for place in places}
            if (found := off(other)) < least:
                steps, least = other, found
                break
    return steps


def _alike(plain: keras.Model) -> list[tuple[str, ...]]:
    """Return the places from first to last, those on both sides of a sum together."""
    sides = [tuple(_maker(side, plain).name for side in total.input) for total in _sums(plain)]
    together = {place: both for both in sides for place in both}
    names = [layer.name for layer in plain.layers if layer.name.startswith(PLACE)]
    return list(dict.fromkeys(together.get(name, (name,)) for name in names))


def _steps(plain: keras.Model, whole: keras.Model, windows: Array) -> Steps:
    """Return the step of each place; both sides of a sum have the same."""
    values = _sampled(plain, windows)
    steps = {HEARD: HEARD_STEP}
    for name, heard in values.items():
        place = whole.get_layer(name)
        steps[name] = _best_step(heard, place.lowest, place.highest)
    for sides in _alike(plain):
        step = max(steps[side] for side in sides)
        steps.update(dict.fromkeys(sides, step))
    return steps


def _sampled(plain: keras.Model, windows: Array) -> dict[str, Array]:
    places = [layer for layer in plain.layers if layer.name.startswith(PLACE)]
    listen = keras.Model(plain.input, [place.output for place in places])
    rng = np.random.default_rng(0)
    found: dict[str, list[Array]] = {place.name: [] for place in places}
    for start in range(0, len(windows), WINDOWS_AT_ONCE):
        heard = listen.predict_on_batch(windows[start : start + WINDOWS_AT_ONCE])
        for place, values in zip(places, heard, strict=True):
            chosen = rng.integers(0, values.size, _SAMPLED)
            found[place.name].append(values.ravel()[chosen])
    return {name: np.concatenate(values) for name, values in found.items()}


def _best_step(values: Array, lowest: int, highest: int) -> float:
    """Return the power of two that loses least, though it may clip the loudest."""
    holds_all = np.ceil(np.log2(max(float(np.abs(values).max()), 1e-6) / highest))
    found = []
    for halvings in _CLIPPING:
        step = float(2.0 ** (holds_all - halvings))
        kept = np.clip(np.round(values / step), lowest, highest) * step
        found.append((float(np.mean((kept - values) ** 2)), step))
    return min(found)[1]


def _round_first(
    first: layers.Conv2D, plain: keras.Model, whole: keras.Model, steps: Steps
) -> None:
    """Round the first convolution to fractions of its own output's step."""
    kernel, bias = first.get_weights()
    into = steps[_after(first, plain)]
    kernel, bias = kernel * HEARD_STEP / into, bias / into
    largest = LEVELS * np.abs(kernel).sum(axis=(0, 1, 2)) + np.abs(bias)
    # What rounding may add, half a grain a weight, is left free.
    grain = 2.0 ** np.ceil(np.log2(np.maximum(largest, 1e-12) / (0.99 * LARGEST_EXACT)))
    rounded = [np.round(kernel / grain) * grain, np.round(bias / grain) * grain]
    whole.get_layer(first.name).set_weights(rounded)


def _set_factor(place: WholeSteps, factor: float | NDArray[np.floating]) -> None:
    (shape,) = (weight.shape for weight in place.weights)
    place.set_weights([np.broadcast_to(np.float32(factor), shape)])


def _sums(network: keras.Model) -> list[layers.Add]:
    return [layer for layer in network.layers if isinstance(layer, layers.Add)]


def _maker(tensor: keras.KerasTensor, network: keras.Model) -> layers.Layer:
    """Return the layer that a tensor comes from."""
    return next(one for one in network.layers if any(o is tensor for o in _listed(one.output)))


def _before(layer: layers.Layer, network: keras.Model) -> str:
    """Return the name of the place that a layer hears from; the window itself is ``HEARD``."""
    name: str = _maker(_listed(layer.input)[0], network).name
    return name


def _after(layer: layers.Layer, network: keras.Model) -> str:
    """Return the name of the place that counts what a layer says."""
    name: str = next(
        one.name
        for one in network.layers
        if one.name.startswith(PLACE) and one.input is layer.output
    )
    return name


def _listed(tensors: keras.KerasTensor | list[keras.KerasTensor]) -> list[keras.KerasTensor]:
    return tensors if isinstance(tensors, list) else [tensors]
