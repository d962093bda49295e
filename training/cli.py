"""The command line of the training job."""

import argparse
import logging
import os
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

# TensorFlow greets on import; its errors still show.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from service.arguments import positive_number, positive_whole, whole
from training import commands as run
from training.cli_help import DESCRIPTION, EPILOGS
from training.errors import TrainingError
from training.logs import load_tensorflow, set_up_logs

# Named here too, because loading the recipes loads TensorFlow; a test compares them.
RECIPE_NAMES = ("genre", "chord", "emotion", "genre_pictures", "genre_statistics")
TASK_OF = {"genre_pictures": "genre", "genre_statistics": "genre"}
READ_CLIPS = ("prepare", "fit")
COMPARED_TASKS = ("genre", "emotion")
PROGRESSION_RECIPES = ("chord",)
INVARIANCE_RECIPES = ("genre", "chord", "emotion")
RATINGS_RECIPES = ("emotion",)
LISTEN_STEPS = ("gather", "prepare", "study", "report")
MODEL_NAMES = ("mlp", "cnn", "lstm", "cnn_lstm", "transfer", "linear")
READ = (
    *("data", "outside", "soundfonts", "soundfont", "songs", "pop909", "bundle", "recipe_file"),
    "start",
)
WITHOUT_TENSORFLOW = ("evaluate", "outsiders", "render")
DATA_FORMATS = ("json", "csv", "parquet")
FEATURE_NAMES = (
    *("log_mel", "mfcc", "stft", "chroma", "handcrafted", "pictures"),
    *("musicnn", "listener", "mn04", "both_teachers"),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit code."""
    options = parser().parse_args(arguments)
    as_json = options.log_format == "json"
    set_up_logs(quiet=options.quiet, as_json=as_json)
    try:
        _check_paths(options)
        _check_layouts(options)
        if options.needs_tensorflow and getattr(options, "format", None) is None:
            load_tensorflow()
        options.run_command(options)
    except TrainingError as error:
        if as_json:
            logging.error("%s", error)  # its message says it all
        else:
            sys.stderr.write(f"error: {error}\n")
        return 2
    except KeyboardInterrupt:
        sys.stderr.write("\nInterrupted. The same fit or compare goes on from here.\n")
        return 130
    return 0


def _check_paths(options: argparse.Namespace) -> None:
    """Refuse what is not there before anything slow is loaded."""
    for name in READ:
        given = getattr(options, name, None) or ()
        for path in (given,) if isinstance(given, Path) else given:
            if not path.exists():
                raise TrainingError(f"{path} does not exist.")


def _check_layouts(options: argparse.Namespace) -> None:
    """Refuse data in no known layout, or without any label of the task, just as early."""
    if not options.reads_clips:
        return
    from training.data.readers import read_data_sets  # noqa: PLC0415  # not for --help
    from training.data.soundness import check_labels  # noqa: PLC0415

    task = TASK_OF.get(options.recipe, options.recipe)
    own = options.recipe not in RECIPE_NAMES or getattr(options, "labels_from_data", False)
    logging.disable(logging.WARNING)  # what it warns of is told when the data are read for good
    try:
        clips = read_data_sets(options.data, task, as_written=own)
    finally:
        logging.disable(logging.NOTSET)
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

    prepare = _command(
        commands, "prepare", run.prepare, "compute and cache the features of all clips"
    )
    _add_recipe(prepare)
    _add_data(prepare)
    prepare.add_argument(
        "--format",
        choices=DATA_FORMATS,
        help="write the data for other programs instead; see below",
    )
    prepare.add_argument(
        "--out", type=Path, default=Path("runs/data"), help="where they go [%(default)s]"
    )

    fit = _command(commands, "fit", run.fit, "train a network and measure it on held-out groups")
    _add_recipe(fit)
    _add_data(fit)
    _add_run(fit)
    _add_seed(fit)
    fit.add_argument(
        "--outside",
        type=Path,
        nargs="+",
        default=(),
        metavar="FOLDER",
        help="recordings that have none of the labels, such as speech: learn to be unsure of them, "
        "or that no chord sounds",
    )
    fit.add_argument(
        "--soundfonts",
        type=Path,
        nargs="+",
        default=(),
        metavar="FILE",
        help="SoundFonts (.sf2) whose guitars play half of the rendered chords; needs fluidsynth",
    )
    fit.add_argument(
        "--models",
        type=Path,
        default=Path("models"),
        help="finished models, of which emotion needs that of the chords [%(default)s]",
    )
    fit.add_argument(
        "--labels-from-data",
        action="store_true",
        help="take the labels of genre, emotion or chord as the data write them; "
        "other tasks always do",
    )
    fit.add_argument(
        "--recipe",
        type=Path,
        dest="recipe_file",
        metavar="FILE",
        help="TOML with other numbers for the recipe; python -m training recipe TASK prints all",
    )
    fit.add_argument(
        "--tensorboard",
        action="store_true",
        help="write the losses of each epoch for TensorBoard, into RUN/tensorboard",
    )
    fit.add_argument(
        "--no-folds",
        action="store_true",
        help="skip the measurement on held-out groups; quicker, but the card then has few figures, "
        "and without a validation split in the data nothing can be exported",
    )

    export = _command(commands, "export", run.export, "write a finished run as a bundle")
    _add_recipe(export, needed=False)
    _add_run(export)
    export.add_argument("--out", type=Path, help="write DIR/TASK, whatever is there [promote it]")
    export.add_argument(
        "--triton",
        type=Path,
        metavar="DIR",
        help="write no bundle, but all bundles that are there as a model repository of Triton",
    )
    _add_promotion(export)

    promote = _command(
        commands, "promote", run.promote, "put a run's bundle under models/ if it is not worse"
    )
    _add_recipe(promote)
    _add_run(promote)
    _add_promotion(promote)

    evaluate = _command(commands, "evaluate", run.evaluate, "score a bundle on labelled data")
    evaluate.add_argument("bundle", type=Path, help="folder of the bundle, such as models/genre")
    _add_data(evaluate)
    evaluate.add_argument(
        "--page", type=Path, metavar="FILE", help="show it as HTML too, with its pictures as PNG"
    )
    evaluate.add_argument("--split", help="only clips of this split, such as valid")
    evaluate.add_argument("--json", type=Path, help="where all figures go, and a row a clip")

    _add_measurements(commands)
    _add_songs(commands)
    _add_listen(commands)

    report = _command(commands, "report", run.report, "draw and write down what a run measured")
    report.add_argument(
        "runs",
        nargs="+",
        metavar="TASK",
        action=_OneOrTwo,
        help="a task, whose run is runs/TASK, or the folder of a run; of two, the second is "
        "compared with the first",
    )
    _add_run(report)
    report.add_argument("--out", type=Path, help="folder of the report [RUN/report]")
    report.add_argument(
        "--cache", type=Path, default=Path("runs/cache"), help="where features are [%(default)s]"
    )

    recipe = _command(commands, "recipe", run.print_recipe, "print a recipe as TOML")
    _add_recipe(recipe)
    _add_run(recipe)
    return root


def _add_promotion(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--models", type=Path, default=Path("models"), help="folder of the bundles [%(default)s]"
    )
    parser.add_argument(
        "--data",
        type=Path,
        nargs="+",
        default=(),
        help="where the run's clips lie, to ask the old bundle about them [where they lay]",
    )
    parser.add_argument(
        "--cache", type=Path, default=Path("runs/cache"), help="where features are [%(default)s]"
    )
    parser.add_argument(
        "--even-if-worse",
        action="store_true",
        help="promote it though it is worse, unlike, or no longer hears songs",
    )


def _add_measurements(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the commands that measure something beside the clips of the folds."""
    compare = _command(commands, "compare", run.compare, "compare other features and networks")
    compare.add_argument("task", choices=COMPARED_TASKS, help="what they are to tell")
    _add_data(compare)
    compare.add_argument("--run", type=Path, help="folder of the run [runs/compare_TASK]")
    compare.add_argument(
        "--model", nargs="+", choices=MODEL_NAMES, default=(), help="only these networks [all]"
    )
    compare.add_argument(
        "--features", nargs="+", choices=FEATURE_NAMES, default=(), help="only on these [all]"
    )
    compare.add_argument(
        "--folds", type=int, choices=(1, 2, 3), default=1, help="folds to hold out [%(default)s]"
    )
    compare.add_argument(
        "--teachers",
        type=Path,
        metavar="FOLDER",
        help="holds mn04.onnx; adds what the listener's teachers hear",
    )
    compare.add_argument(
        "--across", action="store_true", help="also hold out each data set in turn"
    )
    _add_seed(compare)

    outsiders = _command(
        commands, "outsiders", run.outsiders, "count how a bundle answers what it has no label for"
    )
    outsiders.add_argument("bundle", type=Path, help="folder of the bundle, such as models/genre")
    outsiders.add_argument(
        "--data",
        type=Path,
        nargs="*",
        default=(),
        metavar="FOLDER",
        help="recordings that have none of its labels, such as speech",
    )
    outsiders.add_argument(
        "--joined-s",
        type=positive_number,
        metavar="SECONDS",
        help="put recordings together to clips of this length [each alone]",
    )
    outsiders.add_argument(
        "--count", type=positive_whole, default=100, help="clips of each kind at most [%(default)s]"
    )
    _add_json(outsiders)
    _add_seed(outsiders)

    ratings = _command(
        commands, "ratings", run.ratings, "measure how well ratings of listeners are predicted"
    )
    ratings.add_argument("recipe", choices=RATINGS_RECIPES, help="see training/recipes/")
    _add_data(ratings)
    _add_json(ratings)

    invariance = _command(
        commands, "invariance", run.invariance, "measure a run on changed recordings"
    )
    invariance.add_argument("recipe", choices=INVARIANCE_RECIPES, help="see training/recipes/")
    invariance.add_argument("--data", type=Path, nargs="+", required=True, help="see below")
    _add_run(invariance)
    invariance.add_argument(
        "--count",
        type=int,
        default=100,
        help="clips of each data set and fold at most [%(default)s]",
    )
    _add_json(invariance)
    _add_seed(invariance)


def _add_songs(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the commands about chords over time."""
    progressions = _command(commands, "progressions", run.progressions, "measure chords over time")
    progressions.add_argument(
        "recipe",
        nargs="?",
        choices=PROGRESSION_RECIPES,
        default=PROGRESSION_RECIPES[0],
        help="see training/recipes/ [%(default)s]",
    )
    progressions.add_argument(
        "--songs", type=Path, metavar="FOLDER", help="score a bundle on audio with chords beside it"
    )
    progressions.add_argument(
        "--bundle",
        type=Path,
        dest="heard_by",
        default=Path("models/chord"),
        help="who hears the songs [%(default)s]",
    )
    progressions.add_argument("--data", type=Path, nargs="+", help="score a run; see below")
    _add_run(progressions)
    progressions.add_argument(
        "--count",
        type=positive_whole,
        default=12,
        help="progressions of each data set [%(default)s]",
    )
    progressions.add_argument(
        "--soundfont", type=Path, metavar="FILE", help="what plays made-up songs [no songs]"
    )
    progressions.add_argument(
        "--made-songs", type=positive_whole, default=40, help="how many of these [%(default)s]"
    )
    progressions.add_argument("--json", type=Path, help="where all figures go")
    _add_seed(progressions)

    render = _command(
        commands, "render", run.render, "play songs of POP909 with a band, to know their chords"
    )
    render.add_argument("--pop909", type=Path, required=True, help="folder of the songs")
    render.add_argument(
        "--soundfonts", type=Path, nargs="+", required=True, metavar="FILE", help="play in turn"
    )
    render.add_argument("--out", type=Path, required=True, help="where the recordings go")
    render.add_argument(
        "--held-out", action="store_true", help="the songs for measuring alone, a fifth of all"
    )
    render.add_argument(
        "--exact-notes", action="store_true", help="let no song keep its own accompaniment alone"
    )
    render.add_argument(
        "--count", type=positive_whole, default=20, help="how many at most [%(default)s]"
    )
    render.add_argument(
        "--seconds", type=positive_number, default=75.0, help="of each [%(default)s]"
    )
    _add_seed(render)

    learn_songs = _command(
        commands, "learn-songs", run.learn_songs, "teach a chord bundle what songs are like"
    )
    learn_songs.add_argument("--pop909", type=Path, required=True, help="whose chords are counted")
    learn_songs.add_argument(
        "--songs", type=Path, nargs="+", required=True, metavar="FOLDER", help="what render made"
    )
    learn_songs.add_argument(
        "--soundfonts",
        type=Path,
        nargs="+",
        required=True,
        metavar="FILE",
        help="play made-up songs to learn from",
    )
    learn_songs.add_argument(
        "--bundle", type=Path, default=Path("models/chord"), help="whom [%(default)s]"
    )
    learn_songs.add_argument("--version", required=True, help="of the bundle that comes out")
    _add_seed(learn_songs)


def _add_listen(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command that trains the network that genre and emotion hear with."""
    listen = _command(commands, "listen", run.listen, "train a listener of our own, step by step")
    listen.add_argument("step", choices=LISTEN_STEPS, help="in this order; see below")
    listen.add_argument("--run", type=Path, default=Path("runs/listener"), help="[%(default)s]")
    listen.add_argument("--data", type=Path, nargs="+", default=[], help="folders with genre.csv …")
    listen.add_argument(
        "--speech", type=Path, nargs="+", default=[], metavar="FOLDER", help="recordings of speech"
    )
    listen.add_argument(
        "--packages", action="store_true", help="fetch free music in Debian packages, 3 GB"
    )
    listen.add_argument(
        "--teachers", type=Path, default=Path("teachers"), help="holds mn04.onnx [%(default)s]"
    )
    listen.add_argument(
        "--first", type=whole, default=0, help="first part to prepare [%(default)s]"
    )
    listen.add_argument(
        "--parts", type=positive_whole, default=70, help="prepare up to this part [%(default)s]"
    )
    listen.add_argument(
        "--rounds", type=positive_whole, default=20, help="rounds of 2000 steps [%(default)s]"
    )
    listen.add_argument(
        "--peak-rate",
        type=_learning_rate,
        default=2e-3,
        metavar="RATE",
        help="highest learning rate of the study [%(default)s]",
    )
    listen.add_argument(
        "--from",
        dest="start",
        type=Path,
        metavar="STUDENT",
        help="study on from a finished student, a student.keras",
    )
    listen.add_argument("--out", type=Path, help="where report writes [RUN/report.json]")
    _add_seed(listen)


def _command(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    run: Callable[[argparse.Namespace], None],
    text: str,
) -> argparse.ArgumentParser:
    command = commands.add_parser(
        name,
        help=text,
        description=f"{text[0].upper()}{text[1:]}.",
        epilog=EPILOGS.get(name),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument(
        "--quiet", action="store_true", help="show warnings and errors alone, and no progress"
    )
    command.add_argument(
        "--log-format",
        choices=("text", "json"),
        default="text",
        help="how log lines are written [%(default)s]",
    )
    command.set_defaults(
        run_command=run,
        needs_tensorflow=name not in WITHOUT_TENSORFLOW,
        reads_clips=name in READ_CLIPS,
    )
    return command


class _OneOrTwo(argparse.Action):
    """Refuse more than two runs."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[object] | None,
        option_string: str | None = None,  # noqa: ARG002  # as argparse calls it
    ) -> None:
        """Keep the names."""
        if values is not None and len(values) > 2:
            parser.error("give one run, or two to compare")
        setattr(namespace, self.dest, values)


def _task_name(text: str) -> str:
    if not re.fullmatch("[a-z][a-z0-9_]*", text):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no name of a task: small letters, digits and _, first a letter"
        )
    return text


def _learning_rate(text: str) -> float:
    rate = positive_number(text)
    if rate >= 1:
        raise argparse.ArgumentTypeError(f"{text} is no learning rate between 0 and 1")
    return rate


def _add_recipe(parser: argparse.ArgumentParser, *, needed: bool = True) -> None:
    parser.add_argument(
        "recipe",
        nargs=None if needed else "?",
        type=_task_name,
        metavar="TASK",
        help=f"{', '.join(RECIPE_NAMES)}, or any name for a task of your own",
    )


def _add_data(parser: argparse.ArgumentParser) -> None:
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


def _add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", type=Path, required=True, help="where the figures go")


def _add_seed(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--seed", type=int, default=1, help="seed of everything random [%(default)s]"
    )


def _add_run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--run", type=Path, help="folder of the run [runs/RECIPE]")
