"""Make a listener of a finished student: what recipes stand on, and what the service runs."""

import keras
import numpy as np
from numpy.typing import NDArray

from training.fitting.first_step import make_variables
from training.listener.lessons import Lessons, Windows, columns
from training.listener.noises import NO_NOISES
from training.listener.recordings import NOISE
from training.listener.rounding import round_off
from training.listener.study import as_levels, ask
from training.networks import listener

MOST_WINDOWS = 20_000
EPOCHS = 12

NOISE_SHARE = 0.2
"""Of recorded noises in what the line that tells kinds apart learns from, where there are any."""

ROUNDED_ON = 256
"""Windows that are heard while rounding to whole numbers."""

KEPT = ("mn04_embedding", "musicnn_hidden", "musicnn_tags")
"""What a listener says of its teachers; the rest would take more space than it is worth."""

Array = NDArray[np.float32]


def listener_of(
    student: keras.Model, lessons: Lessons, seed: int, noises: Windows = NO_NOISES
) -> keras.Model:
    """Return a listener, folded, that also tells music, speech and noise apart.

    Parameters
    ----------
    student
        A finished student.
    lessons
        What it studied; how much of each kind is in them is learned from the shares of power.
    seed
        Seed of which of them are taken.
    noises
        Windows of recorded noises, to be told apart from music as well.
    """
    keras.utils.set_random_seed(seed)
    rng = np.random.default_rng(seed)
    chosen = np.sort(rng.permutation(len(lessons.windows))[:MOST_WINDOWS])
    windows = lessons.windows[chosen]
    shares = lessons.levels[chosen].astype(np.float32)
    if len(noises):
        wanted = round(len(chosen) * NOISE_SHARE / (1 - NOISE_SHARE))
        among = np.resize(np.arange(len(noises)), wanted)
        windows = np.concatenate([windows, noises[among]])
        shares = np.concatenate([shares, np.tile(_shares_of(NOISE), (len(among), 1))])
    heard = ask(listener.hearing(student), windows)
    told_apart = listener.with_kinds(_brief(listener.folded(student)))
    kinds = told_apart.get_layer("kinds")
    line = keras.Sequential([keras.Input((heard.shape[1],)), kinds])
    line.compile(
        keras.optimizers.AdamW(3e-3, weight_decay=1e-2),
        loss=keras.losses.CategoricalCrossentropy(from_logits=True),
        jit_compile=False,
    )
    make_variables(line)
    line.fit(heard, shares / shares.sum(axis=1, keepdims=True), epochs=EPOCHS, verbose=0)
    return told_apart


def in_whole_numbers(listener_: keras.Model, lessons: Lessons, seed: int) -> keras.Model:
    """Return what :func:`listener_of` made in whole numbers, rounded on some of the lessons."""
    rng = np.random.default_rng(seed)
    chosen = np.sort(rng.permutation(len(lessons.windows))[:ROUNDED_ON])
    return round_off(listener_, as_levels(lessons.windows[chosen]))


def _shares_of(kind: str) -> Array:
    """Return the shares of power in what is of one kind, shape [kinds]."""
    return np.array([kind == other for other in listener.KINDS], np.float32)


def _brief(student: keras.Model) -> keras.Model:
    """Return a folded student that says only ``KEPT``."""
    brief = listener.build(listener.SAID, form=listener.Form.FOLDED)
    values = np.arange(student.output_shape[-1])
    kept = np.concatenate([values[columns(name)] for name in KEPT])
    for layer in brief.layers:
        if layer.weights:
            weights = student.get_layer(layer.name).get_weights()
            layer.set_weights([w[..., kept] for w in weights] if layer.name == "said" else weights)
    return brief
