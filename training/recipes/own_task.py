"""A task of one's own: any labels, on what a pretrained network hears of music."""

from collections.abc import Sequence

from training.data.splits import measurable_folds
from training.networks import listener
from training.networks.architectures import embedding_net
from training.recipes import music, weighing
from training.recipes.recipe import Recipe, Serving, Validation


def own_task(task: str, labels: Sequence[str]) -> Recipe:
    """Return the recipe of a task that none is shipped for, or of other labels than are shipped.

    Parameters
    ----------
    task
        Its name, which is also that of its bundle.
    labels
        What there is to tell.
    """
    return Recipe(
        name=task,
        task=task,
        version="1.0.0",
        summary=f"One of {len(labels)} labels of {task}, from what a network hears that "
        "learned from larger ones, in 3 s windows.",
        not_for=(
            f"sounds that are none of: {', '.join(labels)}; it has no label for them, watch the "
            "uncertain flag",
            "recordings unlike those that it learned from",
        ),
        inputs=music.INPUTS,
        build=lambda _: embedding_net(listener.UNITS, len(labels), 0),
        augment=music.augment,
        weigh=weighing.by_label,
        fit=music.FIT,
        validation=Validation(
            folds=measurable_folds,
            protocol=f"up to fivefold over groups: {music.UNSEEN}",
            held_back=("valid", "test"),
            left_out=("faulty",),
        ),
        serving=Serving(task),
        vocabulary=tuple(labels),
    )
