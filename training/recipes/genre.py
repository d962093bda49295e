"""Genre: one of ten, from what a pretrained network hears."""

from training.data import labels
from training.data.splits import group_fold_plan
from training.networks import listener
from training.networks.architectures import embedding_net
from training.recipes import music, weighing
from training.recipes.recipe import Recipe, Serving, Supplement, Validation

GENRE = Recipe(
    name="genre",
    task="genre",
    version="3.4.1",
    summary="One of ten genres, from what a small network of 8-bit whole numbers hears in 3 s "
    "windows, which learned to listen from two larger ones.",
    not_for=(
        "music outside the ten genres: it has no label for it, watch the uncertain flag",
        "relying on one answer among blues, country, disco, pop and rock: they are often confused",
        "telling styles within a genre, or deciding about people's works or rights",
        "speech, noise or single instruments",
    ),
    inputs=music.INPUTS,
    build=lambda _: embedding_net(listener.UNITS, len(labels.GENRES), len(labels.EMOTIONS)),
    augment=music.augment,
    weigh=weighing.by_label_steeply,
    fit=music.FIT,
    validation=Validation(
        folds=lambda clips: group_fold_plan(clips, n_folds=4, split="extra", seed=0),
        protocol=f"fourfold over artists: {music.UNSEEN}; {music.PRETRAINED_CAVEAT}",
        held_back=("valid", "test"),
        left_out=("faulty",),
    ),
    supplement=Supplement(
        further=("emotion",),
        companion="emotion",
        outside=("chord",),
        rendering=music.NO_MUSIC,
        share=0.12,
    ),
    serving=Serving("genre"),
)
