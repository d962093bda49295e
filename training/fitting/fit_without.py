"""Fit one network of a job on all but some groups: the recipe's own, or a linear head."""

import logging
from collections.abc import Sequence
from dataclasses import replace

from training.fitting.fit_job import FitJob
from training.fitting.fit_network import Fitted, fit_network
from training.fitting.head_choice import choose_head
from training.fitting.items import Item, Material, examples, teacher_moments
from training.fitting.linear_head import fit_linear_head
from training.fitting.rehearsal import short
from training.fitting.stopping import split_for_stop
from training.fitting.tensorboard import write_losses
from training.recipes.fit_settings import CHOSEN, NETWORK

logger = logging.getLogger(__name__)

FEW_CLIPS = 250


def fit_without(job: FitJob, material: Material, groups: set[str], name: str) -> Fitted:
    """Fit on everything but some groups."""
    recipe = job.recipe
    items = material.without_groups(material.items, groups)
    logs = job.run.tensorboard(name) if job.tensorboard else None
    penalty = _penalty(job, items, name)
    if penalty is not None:
        fitted = fit_linear_head(items, recipe, penalty)
        if logs is not None:
            write_losses(logs, fitted.history)
        return fitted
    if recipe.fit.head == CHOSEN and len(material.items) < FEW_CLIPS:
        # As short as it was tried: so few clips cannot tell when to stop.
        recipe = replace(recipe, fit=short(recipe.fit, items))
    learn, stop = split_for_stop(recipe, items, job.seed)
    return fit_network(
        recipe,
        examples(learn),
        examples(stop) if stop else None,
        teacher_moments=teacher_moments(items),
        seed=job.seed,
        backup=job.run.backup(name),
        description=f"{recipe.name} {name}",
        tensorboard=logs,
    )


def _penalty(job: FitJob, items: Sequence[Item], name: str) -> float | None:
    """Return that of the linear head to fit on some items; None for the recipe's own network."""
    if job.recipe.fit.head == NETWORK:
        return None
    choice = job.run.head_choice(name)
    if choice is None:
        choice = choose_head(items, job.recipe, job.seed)
        job.run.keep_head_choice(name, choice)
        logger.info("%s %s: %s", job.recipe.task, name, choice.summary())
    return choice.penalty
