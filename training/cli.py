"""The command line of the training job."""

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path

# TensorFlow greets on import; its errors still show.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from training.commands import (
    compare,
    evaluate,
    export,
    fit,
    invariance,
    learn_bass,
    learn_songs,
    listen,
    outsiders,
    prepare,
    progressions,
    promote,
    ratings,
    recipe,
    render,
    report,
)
from training.commands.options import RECIPE_NAMES
from training.errors import TrainingError
from training.logs import load_tensorflow, set_up_logs, without_warnings

COMMANDS = (
    *(prepare.COMMAND, fit.COMMAND, export.COMMAND, promote.COMMAND, evaluate.COMMAND),
    *(compare.COMMAND, outsiders.COMMAND, ratings.COMMAND, invariance.COMMAND),
    *(progressions.COMMAND, render.COMMAND, learn_bass.COMMAND, learn_songs.COMMAND),
    *(listen.COMMAND, report.COMMAND, recipe.COMMAND),
)
"""In the order in which the help names them."""

DESCRIPTION = """\
Train the models of the service on labelled audio. The usual order:

  python -m training fit genre --data DATA     train and measure (prepares what it needs)
  python -m training report genre              draw what the run measured
  python -m training promote genre             write models/genre, if it is not worse than before
  python -m training export genre --out DIR    write the bundle elsewhere
  python -m training evaluate models/genre --data OTHER --json figures.json
  python -m training compare genre --data DATA other features and networks, on one split
  python -m training progressions chord --data DATA --json figures.json   chords over time
  python -m training progressions --songs FOLDER      the same, of your own recordings
  python -m training render --pop909 SONGS --soundfonts FONT --out FOLDER   songs to measure on
  python -m training learn-bass --songs FOLDER        what tells the bass of chords
  python -m training invariance chord --data DATA --json figures.json     changed recordings
  python -m training outsiders models/chord --data SPEECH --json figures.json
  python -m training ratings emotion --data DATA --json figures.json      energy and valence
  python -m training listen study              the network that genre and emotion hear with

Each command explains itself with --help.
"""

TASK_OF = {"genre_pictures": "genre", "genre_statistics": "genre"}
READ = (
    *("data", "outside", "soundfonts", "soundfont", "songs", "pop909", "bundle", "recipe_file"),
    "start",
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit code."""
    options, unknown = parser().parse_known_args(arguments)
    if unknown:  # parse_args would show the usage of all commands, not of this one
        options.refuse(f"unrecognized arguments: {' '.join(unknown)}")
    as_json = options.log_format == "json"
    set_up_logs(quiet=options.quiet, as_json=as_json)
    try:
        _check_paths(options)
        _check_layouts(options)
        if options.command.needs_tensorflow and getattr(options, "format", None) is None:
            load_tensorflow()
        options.command.run(options)
    except TrainingError as error:
        return _failed(str(error), as_json=as_json)
    except OSError as error:  # a full disk, a folder that is not to be written
        what = error if error.errno else f"Not all could be written, is the disk full? {error}"
        told = f"{what}. Mend that; the same fit or compare goes on from here."
        return _failed(told, as_json=as_json)
    except KeyboardInterrupt:
        sys.stderr.write("\nInterrupted. The same fit or compare goes on from here.\n")
        return 130
    return 0


def _failed(message: str, *, as_json: bool) -> int:
    """Tell why a command cannot go on; return the exit code."""
    if as_json:
        logging.error("%s", message)  # it says it all
    else:
        sys.stderr.write(f"error: {message}\n")
    return 2


def _check_paths(options: argparse.Namespace) -> None:
    """Refuse what is not there before anything slow is loaded."""
    for name in READ:
        given = getattr(options, name, None) or ()
        for path in (given,) if isinstance(given, Path) else given:
            if not path.exists():
                raise TrainingError(f"{path} does not exist.")


def _check_layouts(options: argparse.Namespace) -> None:
    """Refuse data in no known layout, without a label of the task or any file, just as early."""
    if not options.command.reads_clips:
        return
    from training.data.readers import read_data_sets  # noqa: PLC0415  # not for --help
    from training.data.soundness import check_labels, check_presence  # noqa: PLC0415

    task = TASK_OF.get(options.recipe, options.recipe)
    own = options.recipe not in RECIPE_NAMES or getattr(options, "labels_from_data", False)
    with without_warnings():
        clips = read_data_sets(options.data, task, as_written=own)
    check_presence(clips)
    if own:
        check_labels(task, sorted({clip.label for clip in clips}))


def parser() -> argparse.ArgumentParser:
    """Return what reads the command line."""
    root = argparse.ArgumentParser(
        prog="python -m training",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = root.add_subparsers(required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add_to(commands)
    return root
