"""Train the network that genre and emotion hear with."""

import argparse
import logging
from pathlib import Path

from service.arguments import positive_number, positive_whole, share, whole
from training.commands.command import Command
from training.commands.options import add_seed

STEPS = ("gather", "prepare", "study", "keep", "report")

HELP = """\
Trains one small network that hears what larger ones hear, for genre and emotion to stand on:
  gather    fetch the packages (with --packages) and decode all that can be listened to
  prepare   mix it, and ask the teachers what they hear; several may run beside each other, with
              other parts (--first, --parts) of 400 pieces of 10 s each
  study     train the student; examined after each round on groups that are never studied
  keep      make of it what recipes stand on: tell music, speech and noise apart, and round all to
            whole numbers, which the service hears with in less than half the time; study ends so
  report    what it explains of its teachers, and what an embedding knows of genre and emotion
Every step but gather goes on where it was interrupted.

  python -m training listen gather --data DATA --packages
  python -m training listen prepare --teachers TEACHERS --parts 70
  python -m training listen study --rounds 20
  python -m training listen prepare --teachers TEACHERS --first 70 --parts 141
  python -m training listen study --rounds 15 --peak-rate 1.5e-3 --from FINISHED/student.keras
  python -m training listen report --data DATA

Recordings that went through rooms and lossy codecs, and rendered songs, are lessons too, which can
be added to those that are there; an exam of such mixtures is held beside the other at the end:
  python -m training listen gather --data DATA --packages --songs SONGS
  python -m training listen prepare --teachers TEACHERS --first 70 --parts 140 \\
    --codecs 0.4 --rooms 0.25

FINISHED is a copy of RUN/study: a study overwrites what is in its own folder.
TEACHERS holds mn04.onnx and mn04_filter_bank.npz; the other teacher is in the package musicnn.
Without them no student can be trained anew; everything else works with the one that is shipped.
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what it can be told."""
    parser.add_argument("step", choices=STEPS, help="in this order; see below")
    parser.add_argument(
        "--run", type=Path, default=Path("runs/listener"), help="folder of the study [%(default)s]"
    )
    parser.add_argument("--data", type=Path, nargs="+", default=[], help="folders with genre.csv …")
    parser.add_argument(
        "--speech", type=Path, nargs="+", default=[], metavar="FOLDER", help="recordings of speech"
    )
    parser.add_argument(
        "--songs",
        type=Path,
        nargs="+",
        default=[],
        metavar="FOLDER",
        help="songs with their chords beside them, as render makes them",
    )
    parser.add_argument(
        "--packages", action="store_true", help="fetch free music in Debian packages, 4 GB"
    )
    parser.add_argument(
        "--teachers", type=Path, default=Path("teachers"), help="holds mn04.onnx [%(default)s]"
    )
    parser.add_argument(
        "--first", type=whole, default=0, help="first part to prepare [%(default)s]"
    )
    parser.add_argument(
        "--parts", type=positive_whole, default=70, help="prepare up to this part [%(default)s]"
    )
    for name, what in (("codecs", "MP3, AAC or Opus"), ("rooms", "a room that echoes")):
        parser.add_argument(
            f"--{name}",
            type=share,
            default=0.0,
            metavar="SHARE",
            help=f"share of the pieces to prepare that go through {what} [%(default)s]",
        )
    parser.add_argument(
        "--rounds", type=positive_whole, default=20, help="rounds of 2000 steps [%(default)s]"
    )
    parser.add_argument(
        "--peak-rate",
        type=_learning_rate,
        default=2e-3,
        metavar="RATE",
        help="highest learning rate of the study [%(default)s]",
    )
    parser.add_argument(
        "--from",
        dest="start",
        type=Path,
        metavar="STUDENT",
        help="study on from a finished student, a student.keras",
    )
    parser.add_argument("--out", type=Path, help="where report writes [RUN/report.json]")
    add_seed(parser)


def run(options: argparse.Namespace) -> None:
    """Take one step towards a listener of our own."""
    from training.listener import listen_job
    from training.listener.study import Plan
    from training.listener.wear import Wear

    folder = listen_job.ListenFolder(options.run)
    if options.step == "gather":
        listen_job.gather(
            folder, options.data, options.speech, options.songs, fetch=options.packages
        )
    elif options.step == "prepare":
        wear = Wear(options.codecs, options.rooms)
        listen_job.prepare(folder, options.teachers, range(options.first, options.parts), wear)
    elif options.step == "study":
        plan = Plan(rounds=options.rounds, peak_rate=options.peak_rate, seed=options.seed)
        listen_job.learn(folder, plan, options.start)
    elif options.step == "keep":
        listen_job.keep(folder, options.seed)
    else:
        for line in listen_job.report(folder, options.data, options.out):
            logging.info(line)


def _learning_rate(text: str) -> float:
    rate = positive_number(text)
    if rate >= 1:
        raise argparse.ArgumentTypeError(f"{text} is no learning rate between 0 and 1")
    return rate


COMMAND = Command(
    "listen",
    "train a listener of our own, step by step",
    add_options,
    run,
    details=HELP,
)
