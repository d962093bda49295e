"""Play songs of POP909 with a band, or made-up ones, to know their chords."""

import argparse
import logging
from pathlib import Path

from service.arguments import positive_number, positive_whole
from training.commands.command import Command
from training.commands.options import add_seed

HELP = """\
A drawn band plays each song: its own accompaniment on other instruments, or chords strummed,
picked, struck or held; bass, drums, a voice or another lead; transposed, in half of the songs
detuned by up to 50 cents, in a fifth of them worn by an amplifier, a room or noise. With
--exact-notes all play the chords, at most with their own accompaniment beside them: that is easier
to name. Beside each recording lies a .jams with its chords, keys and tuning. What is there already
stays, so each way needs a folder of its own.

  python -m training render --pop909 POP909 --held-out --out FOLDER \\
    --soundfonts /usr/share/sounds/sf2/TimGM6mb.sf2
  python -m training progressions --songs FOLDER

With --made-up, songs are written from sequences of chords that pop songs have few of, for guitar,
bass and drums. Chords are learned from both kinds: python -m training fit chord --songs FOLDERS.

Needs the program fluidsynth. POP909 holds folders NNN with NNN.mid and chord_midi.txt.
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what it can be told."""
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--pop909", type=Path, help="folder of the songs")
    source.add_argument(
        "--made-up",
        action="store_true",
        help="write songs instead, of the chords that pop songs have few of",
    )
    parser.add_argument(
        "--soundfonts",
        type=Path,
        nargs="+",
        required=True,
        metavar="FILE",
        help="SoundFonts (.sf2) that play in turn",
    )
    parser.add_argument("--out", type=Path, required=True, help="where the recordings go")
    parser.add_argument(
        "--held-out", action="store_true", help="the songs for measuring alone, a fifth of all"
    )
    parser.add_argument(
        "--exact-notes", action="store_true", help="let no song keep its own accompaniment alone"
    )
    parser.add_argument(
        "--count", type=positive_whole, default=20, help="how many at most [%(default)s]"
    )
    parser.add_argument(
        "--seconds", type=positive_number, default=75.0, help="length of each [%(default)s]"
    )
    add_seed(parser)


def run(options: argparse.Namespace) -> None:
    """Play songs of POP909 with a band, or made-up ones."""
    from training.progressions.made_up_rendering import render_made_up
    from training.progressions.rendering import RenderJob, render

    if options.pop909 is None:
        count = render_made_up(
            options.out, options.soundfonts, count=options.count, seed=options.seed
        )
        logging.info("%d made-up songs are in %s", count, options.out)
        return
    count = render(
        RenderJob(
            pop909=options.pop909,
            soundfonts=options.soundfonts,
            out=options.out,
            held_out=options.held_out,
            count=options.count,
            duration_s=options.seconds,
            seed=options.seed,
            exact_notes=options.exact_notes,
        )
    )
    logging.info("%d songs are in %s", count, options.out)


COMMAND = Command(
    "render",
    "play songs of POP909 with a band, or made-up ones, to know their chords",
    add_options,
    run,
    details=HELP,
    needs_tensorflow=False,
)
