"""Teach a chord bundle what songs are like."""

import argparse
import logging
from pathlib import Path

from training.commands.command import Command
from training.commands.options import add_seed

HELP = """\
Where a recording holds three roots or more, and one stays where its chord changes, the service
hears it as a song: a second, small network hears five windows of what the chord network said and
has half the say, and of all sequences of chords the most probable one in the key of the song is
taken. Other recordings are answered as before. The network learns from folders of rendered songs
and from made-up ones, which count as much as a folder. How chords follow each other is counted in
the songs of POP909 that are not held out, and in made-up sequences full of sevenths. Measure before
you serve it: the gain was too small and uncertain to ship (training/notes/chords_over_time.md). Do
it again after each promote of a chord model, since the numbers belong to its network.

  python -m training render --pop909 POP909 --out FOLDER --count 56 --soundfonts FONTS
  python -m training learn-songs --pop909 POP909 --songs FOLDER --soundfonts FONTS \\
    --version VERSION
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what it can be told."""
    parser.add_argument(
        "--pop909", type=Path, required=True, help="folder of the songs whose chords are counted"
    )
    parser.add_argument(
        "--songs", type=Path, nargs="+", required=True, metavar="FOLDER", help="what render made"
    )
    parser.add_argument(
        "--soundfonts",
        type=Path,
        nargs="+",
        required=True,
        metavar="FILE",
        help="SoundFonts (.sf2) that play made-up songs to learn from, in turn",
    )
    parser.add_argument(
        "--bundle", type=Path, default=Path("models/chord"), help="what is taught [%(default)s]"
    )
    parser.add_argument("--version", required=True, help="version of the bundle that comes out")
    add_seed(parser)


def run(options: argparse.Namespace) -> None:
    """Teach a chord bundle what songs are like."""
    from training.progressions.song_study import StudyJob, study

    study(
        StudyJob(
            pop909=options.pop909,
            songs=options.songs,
            soundfonts=options.soundfonts,
            bundle=options.bundle,
            version=options.version,
            seed=options.seed,
        )
    )
    logging.info("%s hears songs", options.bundle)


COMMAND = Command(
    "learn-songs",
    "teach a chord bundle what songs are like",
    add_options,
    run,
    details=HELP,
)
