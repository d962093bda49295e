"""Listen once with a pretrained network, and train on what it heard.

Where the pretrained network stays as it is, its answer to a window never changes, so it
is asked once for each clip and each altered copy; training a network on top of it then
takes minutes instead of hours.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray
from tqdm import tqdm

from service.inference.context import append_context
from service.inference.features import Grid
from training.fitting.counting import EMBEDDED_WINDOWS, cut_counting
from training.fitting.items import Item, Material
from training.recipes import Recipe

ALTERED_COPIES = 2
EMBEDDED = "embedded_window"

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Stage:
    """What there is to train.

    Attributes
    ----------
    recipe, material
        As they were, or as they are on the embeddings of the recipe's backbone.
    backbone
        The pretrained network; None where everything is trained.
    """

    recipe: Recipe
    material: Material
    backbone: keras.Model | None

    def whole(self, network: keras.Model) -> keras.Model:
        """Return a trained network together with what it stands on."""
        return network if self.backbone is None else on_top(self.backbone, network)


def stage_of(recipe: Recipe, material: Material, backbone: keras.Model | None, seed: int) -> Stage:
    """Prepare to train a recipe; where it has a backbone, let that listen to everything."""
    if backbone is None:
        return Stage(recipe, material, None)
    return Stage(on_embeddings(recipe), embed(material, recipe, backbone, seed), backbone)


def embed(material: Material, recipe: Recipe, backbone: keras.Model, seed: int) -> Material:
    """Replace each grid by the embeddings of its windows, shape [windows, units + context].

    Every clip gets copies whose windows were altered before they were heard, by the
    recipe's augmentation: afterwards it is too late.

    Parameters
    ----------
    material
        With grids of the recipe's features.
    recipe
        Its windows and augmentation.
    backbone
        From windows to embeddings.
    seed
        Seed of the augmentation.
    """
    rng = np.random.default_rng(seed)
    n_items = len(material.items) + len(material.others) + len(material.synthetic)
    with tqdm(total=n_items, desc="listening", unit="clip") as progress:

        def embedded(items: Sequence[Item]) -> list[Item]:
            done = []
            for item in items:
                windows = cut_counting(item.grids[0], recipe)
                forms = [windows, *(_altered(windows, recipe, rng) for _ in range(ALTERED_COPIES))]
                embedding = backbone.predict_on_batch(np.concatenate(forms))
                heard = append_context(embedding, item.context)
                done.append(replace(item, grids=np.split(heard.astype(np.float16), len(forms))))
                progress.update()
            return done

        return replace(
            material,
            items=embedded(material.items),
            others=embedded(material.others),
            synthetic=embedded(material.synthetic),
        )


def on_embeddings(recipe: Recipe) -> Recipe:
    """Return the recipe as it is for embeddings: one frame is a window, nothing is altered."""
    return replace(
        recipe,
        inputs=replace(recipe.inputs, windows=EMBEDDED_WINDOWS),
        augment=lambda window, label, _: (window, label),
    )


def on_top(backbone: keras.Model, head: keras.Model) -> keras.Model:
    """Join a backbone and the network that was trained on its embeddings.

    Returns
    -------
    keras.Model
        From windows; where the head was told of a context, from windows and contexts.
    """
    units = backbone.output_shape[-1]
    context_outputs = head.input_shape[-1] - units
    # A name of its own: those that are made up start again when a session is cleared.
    embedding = layers.Reshape((1, units), name=EMBEDDED)(backbone.output)
    if not context_outputs:
        return keras.Model(backbone.input, head(embedding), name=head.name)
    context = keras.Input((context_outputs,), name="context")
    both = layers.Concatenate()([embedding, layers.Reshape((1, context_outputs))(context)])
    return keras.Model([backbone.input, context], head(both), name=head.name)


def taken_apart(network: keras.Model) -> tuple[keras.Model | None, keras.Model]:
    """Return the backbone and the head of :func:`on_top`; no backbone for other networks.

    The backbone gives its embedding the shape in which the head takes it.
    """
    head = network.layers[-1]
    if not isinstance(head, keras.Model):
        return None, network
    embedding = network.get_layer(EMBEDDED).output
    return keras.Model(network.inputs[0], embedding, name="embedding"), head


def _altered(windows: Grid, recipe: Recipe, rng: np.random.Generator) -> NDArray[np.float32]:
    return np.stack([recipe.augment(window, 0, rng)[0] for window in windows])
