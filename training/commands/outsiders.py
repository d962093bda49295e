"""Count how a bundle answers what it has no label for."""

import argparse
import json
import logging
from pathlib import Path

from service.arguments import positive_number, positive_whole
from training.commands.command import Command
from training.commands.options import add_json, add_seed, write_figures

HELP = """\
Asks the bundle about rendered noise and hum, and about the recordings of each FOLDER, and counts
the answers that are flagged uncertain or, where it knows them, say N for no chord. Noise and hum
are of the kinds that training renders, so they are no proof of unheard sounds.

  python -m training outsiders models/genre --data SPEECH --joined-s 20 --json figures.json
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what it can be told."""
    parser.add_argument("bundle", type=Path, help="folder of the bundle, such as models/genre")
    parser.add_argument(
        "--data",
        type=Path,
        nargs="*",
        default=(),
        metavar="FOLDER",
        help="recordings that have none of its labels, such as speech",
    )
    parser.add_argument(
        "--joined-s",
        type=positive_number,
        metavar="SECONDS",
        help="put recordings together to clips of this length [each alone]",
    )
    parser.add_argument(
        "--count", type=positive_whole, default=100, help="clips of each kind at most [%(default)s]"
    )
    add_json(parser)
    add_seed(parser)


def run(options: argparse.Namespace) -> None:
    """Count how a bundle answers what it has no label for."""
    from training.robustness.outsiders import OutsiderJob, count_outsiders

    done = count_outsiders(
        OutsiderJob(
            bundle=options.bundle,
            folders=options.data,
            count=options.count,
            joined_s=options.joined_s,
            seed=options.seed,
        )
    )
    rows = [figures.model_dump(exclude_none=True) for figures in done]
    write_figures(options.json, json.dumps(rows, indent=1))
    for figures in done:
        logging.info(figures.summary())
    logging.info("all figures in %s", options.json)


COMMAND = Command(
    "outsiders",
    "count how a bundle answers what it has no label for",
    add_options,
    run,
    details=HELP,
    needs_tensorflow=False,
)
