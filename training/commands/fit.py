"""Train a network and measure it."""

import argparse
import logging
import shlex
from pathlib import Path

from training.commands.command import Command
from training.commands.options import (
    DATA_HELP,
    add_data,
    add_recipe,
    add_run,
    add_seed,
    public_names,
)
from training.commands.runs import run_folder


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what it can be told."""
    add_recipe(parser)
    add_data(parser)
    add_run(parser)
    add_seed(parser)
    parser.add_argument(
        "--outside",
        type=Path,
        nargs="+",
        default=(),
        metavar="FOLDER",
        help="recordings that have none of the labels, such as speech: learn to be unsure of them, "
        "or that no chord sounds",
    )
    parser.add_argument(
        "--soundfonts",
        type=Path,
        nargs="+",
        default=(),
        metavar="FILE",
        help="SoundFonts (.sf2) whose guitars play half of the rendered chords; needs fluidsynth",
    )
    parser.add_argument(
        "--songs",
        type=Path,
        nargs="+",
        default=(),
        metavar="FOLDER",
        help="songs with their chords beside them, such as render makes: learn how chords sound "
        "in songs too",
    )
    parser.add_argument(
        "--models",
        type=Path,
        default=Path("models"),
        help="finished models, of which emotion needs that of the chords [%(default)s]",
    )
    parser.add_argument(
        "--labels-from-data",
        action="store_true",
        help="take the labels of genre, emotion or chord as the data write them; "
        "other tasks always do",
    )
    parser.add_argument(
        "--recipe",
        type=Path,
        dest="recipe_file",
        metavar="FILE",
        help="TOML with other numbers for the recipe; python -m training recipe TASK prints all",
    )
    parser.add_argument(
        "--tensorboard",
        action="store_true",
        help="write the losses of each epoch for TensorBoard, into RUN/tensorboard",
    )
    parser.add_argument(
        "--no-folds",
        action="store_true",
        help="skip the measurement on held-out groups; quicker, but the card then has few figures, "
        "and without a validation split in the data nothing can be exported",
    )


def run(options: argparse.Namespace) -> None:
    """Train a network and measure it."""
    from training.data.cache import FeatureCache
    from training.fitting.beside import Beside
    from training.fitting.chosen_recipe import chosen_recipe
    from training.fitting.fit_job import FitJob
    from training.fitting.fit_task import fit as run_fit
    from training.fitting.run_folder import RunFolder

    recipe = chosen_recipe(
        options.recipe,
        options.data,
        labels_from_data=options.labels_from_data,
        changes=options.recipe_file,
    )
    run = RunFolder(run_folder(options))
    run_fit(
        FitJob(
            recipe=recipe,
            data=options.data,
            run=run,
            cache=FeatureCache(options.cache),
            seed=options.seed,
            beside=Beside(
                outside=options.outside, soundfonts=options.soundfonts, songs=options.songs
            ),
            with_folds=not options.no_folds,
            cluster=options.cluster,
            command=_command_line(options),
            models=options.models,
            tensorboard=options.tensorboard,
        )
    )
    if run.folds():
        where = f" --run {shlex.quote(str(options.run))}" if options.run else ""
        which = f"{options.recipe}{where}"
        served = f", then promote {which}" if recipe.serving.bundle else ""
        logging.info("finished; next: python -m training report %s%s", which, served)
    elif options.no_folds:
        logging.info("finished; to export it, measure it too: the same without --no-folds")
    else:
        logging.info("finished, but not measured, so it cannot be exported; see the warning above")


def _command_line(options: argparse.Namespace) -> str:
    """Return the command for the card, without the paths of this machine."""
    beside = f" --outside {public_names(options.outside)}" if options.outside else ""
    beside += f" --soundfonts {public_names(options.soundfonts)}" if options.soundfonts else ""
    beside += f" --songs {public_names(options.songs)}" if options.songs else ""
    how = " --no-folds" if options.no_folds else ""
    how += " --labels-from-data" if options.labels_from_data else ""
    how += f" --recipe {options.recipe_file.name}" if options.recipe_file else ""
    return (
        f"python -m training fit {options.recipe} --data {public_names(options.data)}{beside} "
        f"--seed {options.seed}{how}"
    )


COMMAND = Command(
    "fit",
    "train a network and measure it on held-out groups",
    add_options,
    run,
    details=DATA_HELP,
    reads_clips=True,
)
