"""Hear clips again cut short, so that confidence can be calibrated by the length heard."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import keras
import numpy as np
from numpy.typing import NDArray

from service.inference.context import Context, append_context
from training.data.cache import FeatureCache, HalfGrid
from training.data.cuts import CutAudio
from training.data.filter_banks import make_bank
from training.data.preparation import PreparedClip, prepare
from training.data.readers import AudioFile
from training.fitting.clip_logits import in_batches
from training.fitting.counting import cut_counting
from training.fitting.items import Material
from training.networks.context import hear_clips
from training.recipes.recipe import Recipe

CUTS_S = (0.1, 0.3, 1.0, 3.0, 10.0)
CLIPS_AT_ONCE = 256


@dataclass(frozen=True)
class Lengths:
    """How long clips are, and what there is of them when they are cut.

    Attributes
    ----------
    durations_s
        Of the whole clips, in the order of the material, shape [clips].
    cuts
        By length in seconds, then by place in the material: the cut clip's grid, or the embeddings
        of its windows where the recipe has a backbone. Clips that are no longer are missing.
    """

    durations_s: NDArray[np.float64]
    cuts: Mapping[float, Mapping[int, HalfGrid]]


def hear_lengths(
    recipe: Recipe,
    material: Material,
    cache: FeatureCache,
    *,
    backbone: keras.Model | None,
    context: Context | None,
    cluster: str | None = None,
) -> Lengths:
    """Cut all labelled audio of a material to each of ``CUTS_S``.

    Parameters
    ----------
    recipe
        Its features and windows.
    material
        With grids of whole clips, not their embeddings.
    cache
        Where features are kept.
    backbone, context
        What listens, where the recipe has them.
    cluster
        Dask scheduler to compute features on; this machine without one.
    """
    spec = recipe.inputs.features
    durations_s = np.array([(len(item.grids[0]) - 1) * spec.hop_s for item in material.items])
    # All cuts of a clip in a row, so that it is decoded once.
    wanted = {
        replace(clip, source=CutAudio(clip.source, cut_s)): (cut_s, place)
        for place, clip in enumerate(material.clips)
        for cut_s in CUTS_S
        if isinstance(clip.source, AudioFile) and durations_s[place] > cut_s
    }
    prepared = prepare(list(wanted), spec, make_bank(spec), cache, cluster).clips
    grids = [p.grid for p in prepared]
    if backbone is not None and prepared:
        contexts = {}
        if context is not None:
            contexts = hear_clips(context, list(wanted), cache, cluster)
        grids = _embedded(prepared, recipe, backbone, contexts)
    cuts: dict[float, dict[int, HalfGrid]] = {cut_s: {} for cut_s in CUTS_S}
    for p, grid in zip(prepared, grids, strict=True):
        cut_s, place = wanted[p.clip]
        cuts[cut_s][place] = grid
    return Lengths(durations_s, cuts)


def _embedded(
    prepared: Sequence[PreparedClip],
    recipe: Recipe,
    backbone: keras.Model,
    contexts: Mapping[str, NDArray[np.float32]],
) -> list[HalfGrid]:
    """Return what the backbone hears in each clip's windows, with the clip's context."""
    nothing = np.zeros(0, np.float32)
    done: list[HalfGrid] = []
    # All windows at once would take gigabytes.
    for start in range(0, len(prepared), CLIPS_AT_ONCE):
        clips = prepared[start : start + CLIPS_AT_ONCE]
        cut = [cut_counting(p.grid, recipe) for p in clips]
        heard = in_batches(backbone.predict_on_batch, np.concatenate(cut))
        parts = np.split(heard, np.cumsum([len(windows) for windows in cut])[:-1])
        for p, part in zip(clips, parts, strict=True):
            told = append_context(part, contexts.get(p.clip.source.name, nothing))
            done.append(told.astype(np.float16))
    return done
