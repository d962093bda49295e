"""Measure chords over time: of a bundle on songs, or of a run on what it held out."""

import argparse
import logging
from pathlib import Path

from service.arguments import positive_whole
from training.commands.command import Command
from training.commands.options import DATA_HELP, add_run, add_seed, write_figures
from training.commands.runs import run_folder
from training.errors import TrainingError

RECIPE_CHOICES = ("chord",)
SHOWN = ("root", "majmin", "sevenths", "seg", "boundary_f_0.25s")

HELP = """\
With --songs, the bundle hears the recordings of a folder. Beside NAME.wav, NAME.flac, NAME.mp3 …
lies NAME.lab, lines of start, end and chord in Harte's notation, as Isophonics has them, or
NAME.jams. GuitarSet is read as it is published, of its annotations the lead sheets. The table also
tells what BTC, the best of the open systems, is published to reach on recordings new to it, and how
well the key is told, where JAMS files name keys.

  python -m training progressions --songs FOLDER

With --data, a run of fit sits two exams, both answered as the service would, with a .lab file that
mir_eval reads:
  progressions of real guitars: clips of one player and guitar follow each other, 1 to 4 s a
    chord; the network is that of the fold of RUN that never saw their data set
  songs (with --soundfont): guitar, bass and drums written as MIDI and played by the program
    fluidsynth; the network is the final one of RUN. Take a font that was not trained on.

  python -m training progressions chord --data DATA --json progressions.json
  python -m training progressions chord --data DATA --json progressions.json \\
    --soundfont /usr/share/sounds/sf2/TimGM6mb.sf2

Shares of the time that is named right: root, thirds, majmin (major and minor triads, also of
seventh chords) and sevenths (every note); with _inv, the bass as well. Then overseg, underseg and
seg, how well the segments overlap, and precision, recall and F of the boundaries, hit within 0.1,
0.25 and 0.5 s. All with 95% intervals over guitars or songs.
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what it can be told."""
    parser.add_argument(
        "recipe",
        nargs="?",
        choices=RECIPE_CHOICES,
        default=RECIPE_CHOICES[0],
        help="see training/recipes/ [%(default)s]",
    )
    parser.add_argument(
        "--songs", type=Path, metavar="FOLDER", help="score a bundle on audio with chords beside it"
    )
    parser.add_argument(
        "--bundle",
        type=Path,
        dest="heard_by",  # not checked to be there, as --data needs none
        metavar="FOLDER",
        default=Path("models/chord"),
        help="the bundle that hears the songs [%(default)s]",
    )
    parser.add_argument("--data", type=Path, nargs="+", help="score a run; see below")
    add_run(parser)
    parser.add_argument(
        "--count",
        type=positive_whole,
        default=12,
        help="progressions of each data set [%(default)s]",
    )
    parser.add_argument(
        "--soundfont", type=Path, metavar="FILE", help="what plays made-up songs [no songs]"
    )
    parser.add_argument(
        "--made-songs",
        type=positive_whole,
        default=40,
        metavar="N",
        help="how many made-up songs [%(default)s]",
    )
    parser.add_argument("--json", type=Path, help="where all figures go")
    add_seed(parser)


def run(options: argparse.Namespace) -> None:
    """Measure chords over time: of a bundle on songs, or of a run on what it held out."""
    if options.songs is None and not options.data:
        raise TrainingError("Give --songs FOLDER, or the --data that a run was trained on.")
    if options.songs is not None:
        _measure_on_songs(options)
    if options.data:
        _measure_run(options)


def _measure_on_songs(options: argparse.Namespace) -> None:
    from training.evaluation.evaluate import load_bundle
    from training.progressions.song_exam import measure_songs

    done = measure_songs(options.songs, load_bundle(options.heard_by))
    for problem in done.unreadable:
        logging.warning("cannot be decoded: %s", problem)
    logging.info("%s", done.table())
    if options.json:
        write_figures(options.json, done.model_dump_json(indent=1))


def _measure_run(options: argparse.Namespace) -> None:
    from training.evaluation.metrics import with_interval
    from training.fitting.run_folder import RunFolder
    from training.progressions.progression_job import ProgressionJob, measure
    from training.recipes import RECIPES

    done = measure(
        ProgressionJob(
            recipe=RECIPES[options.recipe],
            run=RunFolder(run_folder(options)),
            data=options.data,
            count=options.count,
            songs=options.made_songs,
            soundfont=options.soundfont,
            seed=options.seed,
        )
    )
    if options.json:
        write_figures(options.json, done.model_dump_json(indent=1))
    for part in done.parts:
        shown = ", ".join(
            f"{name} {with_interval(figure)}"
            for name, figure in part.figures.items()
            if name in SHOWN
        )
        logging.info("%s, %d recordings: %s", part.name, part.recordings, shown)
    if done.left_out:
        logging.info("too few chords of one guitar: %s", ", ".join(done.left_out))


COMMAND = Command(
    "progressions",
    "measure chords over time",
    add_options,
    run,
    details=f"{HELP}\n{DATA_HELP}",
)
