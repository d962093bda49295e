"""Options that several commands take, and what is done with them."""

import argparse
import re
import shlex
from collections.abc import Sequence
from pathlib import Path

# Named here too, because loading the recipes loads TensorFlow; a test compares them.
RECIPE_NAMES = ("genre", "chord", "emotion", "genre_pictures", "genre_statistics")

DATA_HELP = """\
DATA is one of
  a CSV with the columns 'file' (relative to the CSV) and 'genre', 'chord', 'emotion';
    'group' (artist, player, guitar), 'dataset' and 'split' (train, valid, test, faulty, extra)
    are used where they are there
  an .npz with 'mel' (uint8, clips x 128 x 333), 'name' and 'genre'; also 'group', 'split'
  a folder with genre.csv, chord.csv, emotion.csv and gtzan_mel.npz
  features_30_sec.csv or features_3_sec.csv of hand-crafted features (genre_statistics)
  GTZAN as published: genres_original/<genre>/<genre>.NNNNN.wav
  its pictures: images_original/<genre>/<genre>NNNNN.png
  guitar-chords-v3: Training/<chord>/*.wav and Test/<chord>/*.wav
  musical-emotions-classification: Train.csv with an audio file and Happy or Sad
  folders of audio named after their label: <label>/* or, better, <label>/<group>/*
For a task of your own, a CSV with a column of its name, or folders of audio.
Clips that cannot be read are named and skipped.
"""


def _task_name(text: str) -> str:
    if not re.fullmatch("[a-z][a-z0-9_]*", text):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no name of a task: small letters, digits and _, first a letter"
        )
    return text


def add_recipe(parser: argparse.ArgumentParser, *, needed: bool = True) -> None:
    """Add the recipe that is trained or was."""
    parser.add_argument(
        "recipe",
        nargs=None if needed else "?",
        type=_task_name,
        metavar="TASK",
        help=f"{', '.join(RECIPE_NAMES)}, or any name for a task of your own",
    )


def add_data(parser: argparse.ArgumentParser) -> None:
    """Add the data, where their features are kept, and who computes them."""
    parser.add_argument("--data", type=Path, nargs="+", required=True, help="see below")
    parser.add_argument(
        "--cache",
        type=Path,
        default=Path("runs/cache"),
        help="where features are kept; safe to delete [%(default)s]",
    )
    parser.add_argument(
        "--cluster", metavar="ADDRESS", help="Dask scheduler to compute features on [this machine]"
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    """Add where the figures go."""
    parser.add_argument("--json", type=Path, required=True, help="where the figures go")


def add_seed(parser: argparse.ArgumentParser) -> None:
    """Add the seed."""
    parser.add_argument(
        "--seed", type=int, default=1, help="seed of everything random [%(default)s]"
    )


def add_run(parser: argparse.ArgumentParser) -> None:
    """Add the folder of the run."""
    parser.add_argument("--run", type=Path, help="folder of the run [runs/RECIPE]")


def write_figures(file: Path, figures: str) -> None:
    """Write figures where they are wanted."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(figures, "utf-8")


def public_names(paths: Sequence[Path]) -> str:
    """Return the names of files and folders for a command line that is shown to others."""
    return shlex.join(path.resolve().name for path in paths)
