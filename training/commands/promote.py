"""Put the bundle of a run under models/, if it is not worse than what is there."""

import argparse
import logging
from pathlib import Path

from training.commands.command import Command
from training.commands.options import add_recipe, add_run
from training.commands.runs import kept

HELP = """\
The new bundle and the one under models/ are compared on the same clips, those that the run held
out, calibrated as they are served: balanced accuracies and calibration errors, and their
differences with 95% intervals from a bootstrap that draws whole groups. Where the old bundle was
promoted too, its own held-out answers lie beside it; otherwise it is asked now, and may have
learned from those clips. The calibration of a run was fitted on the clips that it held out, so its
errors look too good, and they do not decide. A lower balanced accuracy is refused, and so is a
bundle in place of one that learn-songs taught. A promoted bundle gets the next version and a line
in models/CHANGELOG.md.
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what it can be told."""
    add_recipe(parser)
    add_run(parser)
    add_promotion(parser)


def add_promotion(parser: argparse.ArgumentParser) -> None:
    """Add what tells how a bundle is put in place of another."""
    parser.add_argument(
        "--models", type=Path, default=Path("models"), help="folder of the bundles [%(default)s]"
    )
    parser.add_argument(
        "--data",
        type=Path,
        nargs="+",
        default=(),
        help="where the run's clips lie, to ask the old bundle about them [where they lay]",
    )
    parser.add_argument(
        "--cache", type=Path, default=Path("runs/cache"), help="where features are [%(default)s]"
    )
    parser.add_argument(
        "--even-if-worse",
        action="store_true",
        help="promote it though it is worse, unlike, or no longer hears songs",
    )


def run(options: argparse.Namespace) -> None:
    """Put a run's bundle under models/, if it is not worse than what is there."""
    from training.data.cache import FeatureCache
    from training.results.promotion import PromotionJob
    from training.results.promotion import promote as put_there

    recipe, run = kept(options)
    folder = put_there(
        PromotionJob(
            recipe=recipe,
            run=run,
            models=options.models,
            cache=FeatureCache(options.cache),
            data=options.data,
            even_if_worse=options.even_if_worse,
        )
    )
    logging.info("wrote %s; the service checks it at its next start, or at SIGHUP", folder)


COMMAND = Command(
    "promote",
    "put a run's bundle under models/ if it is not worse",
    add_options,
    run,
    details=HELP,
)
