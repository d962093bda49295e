"""Learn from songs which note a chord stands on."""

import argparse
import logging
from pathlib import Path

from training.commands.command import Command

HELP = """\
The service writes C:maj/3 where it is sure that E is the bass. What makes it sure are the numbers
in service/inference/bass.py, which belong to the features of chords, not to a network: learn them
again only when these change. They come from songs whose chords are annotated with their bass, as
render makes them; a segment counts where a chord was named with the right root.

  python -m training render --pop909 POP909 --out FOLDER --count 240 --seconds 40 \\
    --soundfonts FONTS
  python -m training learn-bass --songs FOLDER

Then measure, on other songs: python -m training progressions --songs OTHERS.
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what it can be told."""
    parser.add_argument(
        "--songs", type=Path, nargs="+", required=True, metavar="FOLDER", help="what render made"
    )
    parser.add_argument(
        "--bundle", type=Path, default=Path("models/chord"), help="who names chords [%(default)s]"
    )


def run(options: argparse.Namespace) -> None:
    """Learn from songs which note a chord stands on."""
    from training.progressions.bass_study import study

    learned = study(options.songs, options.bundle)
    logging.info("%s", learned.as_code())


COMMAND = Command(
    "learn-bass",
    "learn from songs which note a chord stands on",
    add_options,
    run,
    details=HELP,
    needs_tensorflow=False,
)
