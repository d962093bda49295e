"""Compare other features and networks."""

import argparse
import logging
from pathlib import Path

from training.commands.command import Command
from training.commands.options import DATA_HELP, add_data, add_seed, public_names

COMPARED_TASKS = ("genre", "emotion")
MODEL_NAMES = ("mlp", "cnn", "lstm", "cnn_lstm", "transfer", "linear")
FEATURE_NAMES = (
    *("log_mel", "mfcc", "stft", "chroma", "handcrafted", "pictures"),
    *("musicnn", "listener", "mn04", "both_teachers"),
)

HELP = """\
The systems, each trained on the labels alone:
  mlp on handcrafted                    statistics of a whole clip: MFCC, chroma, contrast, …
  cnn on log_mel, mfcc, stft, chroma    three convolutions
  lstm on log_mel, mfcc                 two recurrent layers
  cnn_lstm on log_mel, mfcc             two convolutions, one recurrent layer
  cnn on pictures                       the spectrogram pictures of GTZAN (genre only)
  transfer on musicnn                   one hidden layer on the pretrained MSD_musicnn
  transfer on listener                  the same on the listener that genre and emotion stand on
  transfer on mn04, both_teachers       the same on what its teachers hear, with --teachers: how
                                        far listening could carry. mn04's weights may not be
                                        shipped; what it says is cached
  linear on musicnn, listener           a linear layer in place of the hidden one, as strict as
                                        groups held out of what it learns from ask for
All of them sit the same exam: artists and albums are dealt to three folds, they learn from two
and are judged on the third (with --folds 3 on each in turn). The pictures have a table of their
own, on the official GTZAN lists. A random split would read higher and is not offered.

  python -m training compare genre --data DATA
  python -m training compare emotion --data DATA --across
  python -m training compare emotion --data DATA --model cnn_lstm --features log_mel mfcc
  python -m training compare genre --data DATA --model transfer --teachers TEACHERS --folds 3

Writes compare.md, compare.json and compare.png into RUN. What RUN holds already is not trained
again and stays in the table, so an interrupted comparison goes on, and systems can be added.
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what it can be told."""
    parser.add_argument("task", choices=COMPARED_TASKS, help="what they are to tell")
    add_data(parser)
    parser.add_argument("--run", type=Path, help="folder of the run [runs/compare_TASK]")
    parser.add_argument(
        "--model", nargs="+", choices=MODEL_NAMES, default=(), help="only these networks [all]"
    )
    parser.add_argument(
        "--features", nargs="+", choices=FEATURE_NAMES, default=(), help="only on these [all]"
    )
    parser.add_argument(
        "--folds", type=int, choices=(1, 2, 3), default=1, help="folds to hold out [%(default)s]"
    )
    parser.add_argument(
        "--teachers",
        type=Path,
        metavar="FOLDER",
        help="holds mn04.onnx; adds what the listener's teachers hear",
    )
    parser.add_argument("--across", action="store_true", help="also hold out each data set in turn")
    add_seed(parser)


def run(options: argparse.Namespace) -> None:
    """Compare other features and networks."""
    from training.comparison.compare_job import CompareJob
    from training.comparison.compare_job import compare as run_comparison
    from training.comparison.systems import choose
    from training.data.cache import FeatureCache

    run = options.run or Path("runs") / f"compare_{options.task}"
    run_comparison(
        CompareJob(
            task=options.task,
            systems=choose(
                options.task,
                options.model,
                options.features,
                ask_teachers=options.teachers is not None,
            ),
            data=options.data,
            run=run,
            cache=FeatureCache(options.cache),
            n_folds=options.folds,
            across=options.across,
            seed=options.seed,
            cluster=options.cluster,
            teachers=options.teachers or Path("teachers"),
            command=_command_line(options),
        )
    )
    logging.info("wrote %s, with compare.json and compare.png beside it", run / "compare.md")


def _command_line(options: argparse.Namespace) -> str:
    """Return the command for the record, without the paths of this machine."""
    chosen = "".join(
        f" --{name} {' '.join(values)}"
        for name, values in (("model", options.model), ("features", options.features))
        if values
    )
    across = " --across" if options.across else ""
    if options.teachers is not None:
        chosen += f" --teachers {options.teachers.name}"
    return (
        f"python -m training compare {options.task} --data {public_names(options.data)}{chosen} "
        f"--folds {options.folds}{across} --seed {options.seed}"
    )


COMMAND = Command(
    "compare",
    "compare other features and networks",
    add_options,
    run,
    details=f"{HELP}\n{DATA_HELP}",
)
