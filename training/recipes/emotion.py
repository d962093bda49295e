"""Emotion: happy or sad, from what a pretrained network hears and from the chords of the clip."""

from dataclasses import replace

from training.data import labels
from training.data.scales import ENERGY
from training.data.splits import group_fold_plan
from training.networks import listener
from training.networks.architectures import embedding_net
from training.networks.context import OUTPUTS as CONTEXT_OUTPUTS
from training.networks.context import ContextRecipe
from training.recipes import music, weighing
from training.recipes.recipe import Recipe, Serving, Supplement, Validation

EMOTION = Recipe(
    name="emotion",
    task="emotion",
    version="3.2.1",
    summary="Whether music feels happy or sad, from what a small network of 8-bit whole numbers "
    "hears in 3 s windows, which learned to listen from two larger ones, and from the chords of "
    "the whole clip.",
    not_for=(
        "reading the feelings of a person: it judges the music, as listeners of four data sets did",
        "music that is neither happy nor sad (angry, tense, calm): it has only the two words",
        "speech",
    ),
    # Of the chords, one window every 1.9 s, which costs a quarter and tells as much.
    inputs=replace(music.INPUTS, context=ContextRecipe("chord", stride_frames=20)),
    build=lambda _: embedding_net(listener.UNITS + CONTEXT_OUTPUTS, len(labels.EMOTIONS), 0),
    augment=music.augment,
    weigh=weighing.by_label,
    # Longer, to the end and without genre as a companion, each of which was worth up to a
    # hundredth; what a few groups say of an epoch is mostly chance.
    fit=replace(music.FIT, epochs=100, patience=None),
    validation=Validation(
        folds=lambda clips: group_fold_plan(clips, n_folds=4, split=None, seed=0),
        protocol=f"fourfold over artists and albums: {music.UNSEEN}; {music.PRETRAINED_CAVEAT}",
        held_back=("test",),
        left_out=("faulty",),
    ),
    supplement=Supplement(outside=("chord",), rendering=music.NO_MUSIC, share=0.12),
    serving=Serving("emotion", scales=(ENERGY,)),
)
