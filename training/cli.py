"""The command line of the training job."""

import argparse
import json
import logging
import os
import shlex
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

# TensorFlow greets on import; its errors still show.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from training.cli_help import DESCRIPTION, EPILOGS
from training.errors import TrainingError

# Named here too, because loading the recipes loads TensorFlow; a test compares them.
RECIPE_NAMES = ("genre", "chord", "emotion", "genre_pictures", "genre_statistics")
COMPARED_TASKS = ("genre", "emotion")
PROGRESSION_RECIPES = ("chord",)
INVARIANCE_RECIPES = ("genre", "chord", "emotion")
PROGRESSION_FIGURES = ("root", "majmin", "sevenths", "seg", "boundary_f_0.25s")
MODEL_NAMES = ("mlp", "cnn", "lstm", "cnn_lstm", "transfer")
FEATURE_NAMES = ("log_mel", "mfcc", "stft", "chroma", "handcrafted", "pictures", "musicnn")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit code."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s", stream=sys.stderr)
    try:
        options.run_command(options)
    except TrainingError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    except KeyboardInterrupt:
        sys.stderr.write("\nInterrupted. The same command goes on from here.\n")
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m training",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    prepare = _command(commands, "prepare", _prepare, "compute and cache the features of all clips")
    _add_recipe(prepare)
    _add_data(prepare)

    fit = _command(commands, "fit", _fit, "train a network and measure it on held-out groups")
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
        help="SoundFonts (.sf2) whose guitars play half of the rendered sounds; needs fluidsynth",
    )
    fit.add_argument(
        "--no-folds",
        action="store_true",
        help="skip the measurement on held-out groups; quicker, but the card then has few figures",
    )

    export = _command(commands, "export", _export, "write a finished run as a bundle")
    _add_recipe(export)
    _add_run(export)
    export.add_argument(
        "--models", type=Path, default=Path("models"), help="folder of the bundles [%(default)s]"
    )

    evaluate = _command(commands, "evaluate", _evaluate, "score a bundle on labelled data")
    evaluate.add_argument("bundle", type=Path, help="folder of the bundle, such as models/genre")
    _add_data(evaluate)
    evaluate.add_argument("--split", help="only clips of this split, such as valid")
    evaluate.add_argument("--json", type=Path, required=True, help="where the figures go")

    _add_measurements(commands)

    report = _command(commands, "report", _report, "draw and write down what a run measured")
    _add_recipe(report)
    _add_run(report)
    report.add_argument("--out", type=Path, help="folder of the report [RUN/report]")
    return parser


def _add_measurements(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the commands that measure something beside the clips of the folds."""
    compare = _command(commands, "compare", _compare, "compare other features and networks")
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
        "--across", action="store_true", help="also hold out each data set in turn"
    )
    _add_seed(compare)

    progressions = _command(
        commands, "progressions", _progressions, "measure a run on chords over time"
    )
    progressions.add_argument("recipe", choices=PROGRESSION_RECIPES, help="see training/recipes.py")
    progressions.add_argument("--data", type=Path, nargs="+", required=True, help="see below")
    _add_run(progressions)
    progressions.add_argument(
        "--count", type=int, default=12, help="progressions of each data set [%(default)s]"
    )
    progressions.add_argument(
        "--soundfont", type=Path, metavar="FILE", help="what plays the songs [no songs]"
    )
    progressions.add_argument("--songs", type=int, default=40, help="how many [%(default)s]")
    progressions.add_argument("--json", type=Path, required=True, help="where the figures go")
    _add_seed(progressions)

    outsiders = _command(
        commands, "outsiders", _outsiders, "count how a bundle answers what it has no label for"
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
        type=float,
        metavar="SECONDS",
        help="put recordings together to clips of this length [each alone]",
    )
    outsiders.add_argument(
        "--count", type=int, default=100, help="clips of each kind at most [%(default)s]"
    )
    outsiders.add_argument("--json", type=Path, required=True, help="where the figures go")
    _add_seed(outsiders)

    invariance = _command(
        commands, "invariance", _invariance, "measure a run on changed recordings"
    )
    invariance.add_argument("recipe", choices=INVARIANCE_RECIPES, help="see training/recipes.py")
    invariance.add_argument("--data", type=Path, nargs="+", required=True, help="see below")
    _add_run(invariance)
    invariance.add_argument(
        "--count",
        type=int,
        default=100,
        help="clips of each data set and fold at most [%(default)s]",
    )
    invariance.add_argument("--json", type=Path, required=True, help="where the figures go")
    _add_seed(invariance)


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
    command.set_defaults(run_command=run)
    return command


def _add_recipe(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("recipe", choices=RECIPE_NAMES, help="see training/recipes.py")


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


def _add_seed(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--seed", type=int, default=1, help="seed of everything random [%(default)s]"
    )


def _add_run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--run", type=Path, help="folder of the run [runs/RECIPE]")


def _run_folder(options: argparse.Namespace) -> Path:
    run: Path | None = options.run
    return run or Path("runs") / options.recipe


def _prepare(options: argparse.Namespace) -> None:
    from training.cache import FeatureCache
    from training.filter_banks import make_bank
    from training.preparation import prepare
    from training.readers import read_data_sets
    from training.recipes import RECIPES

    recipe = RECIPES[options.recipe]
    clips = read_data_sets(options.data, recipe.task, pictures=recipe.reads_pictures)
    bank = make_bank(recipe.features)
    done = prepare(clips, recipe.features, bank, FeatureCache(options.cache), options.cluster)
    for (data_set, split), n in sorted(
        Counter((p.clip.data_set, p.clip.split) for p in done.clips).items()
    ):
        logging.info("%s, split %s: %d clips", data_set, split, n)
    logging.info("%d clips ready, %d skipped", len(done.clips), len(done.skipped))


def _fit(options: argparse.Namespace) -> None:
    from training.cache import FeatureCache
    from training.fit_job import FitJob, fit
    from training.material import Beside
    from training.recipes import RECIPES
    from training.run_folder import RunFolder

    recipe = RECIPES[options.recipe]
    fit(
        FitJob(
            recipe=recipe,
            data=options.data,
            run=RunFolder(_run_folder(options)),
            cache=FeatureCache(options.cache),
            seed=options.seed,
            beside=Beside(outside=options.outside, soundfonts=options.soundfonts),
            with_folds=not options.no_folds,
            cluster=options.cluster,
            command=_public_command(options),
        )
    )
    logging.info("finished; next: python -m training export %s", options.recipe)


def _public_command(options: argparse.Namespace) -> str:
    """Return the command for the card, without the paths of this machine."""
    outside = f" --outside {_names(options.outside)}" if options.outside else ""
    fonts = f" --soundfonts {_names(options.soundfonts)}" if options.soundfonts else ""
    folds = " --no-folds" if options.no_folds else ""
    return (
        f"python -m training fit {options.recipe} --data {_names(options.data)}{outside}{fonts} "
        f"--seed {options.seed}{folds}"
    )


def _names(paths: Sequence[Path]) -> str:
    return shlex.join(path.resolve().name for path in paths)


def _export(options: argparse.Namespace) -> None:
    from training.export import export
    from training.recipes import RECIPES
    from training.run_folder import RunFolder

    folder = export(RECIPES[options.recipe], RunFolder(_run_folder(options)), options.models)
    logging.info("wrote %s; the service checks it at its next start", folder)


def _evaluate(options: argparse.Namespace) -> None:
    from training.cache import FeatureCache
    from training.evaluation import evaluate

    evaluation = evaluate(
        options.bundle, options.data, FeatureCache(options.cache), options.split, options.cluster
    )
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(evaluation.model_dump_json(indent=1), "utf-8")
    accuracy = evaluation.accuracy
    logging.info(
        "%d clips, accuracy %.3f (%.3f to %.3f); all figures in %s",
        evaluation.n,
        accuracy.value,
        accuracy.low,
        accuracy.high,
        options.json,
    )


def _compare(options: argparse.Namespace) -> None:
    from training.cache import FeatureCache
    from training.comparison.compare_job import CompareJob, compare
    from training.comparison.systems import choose

    run = options.run or Path("runs") / f"compare_{options.task}"
    compare(
        CompareJob(
            task=options.task,
            systems=choose(options.task, options.model, options.features),
            data=options.data,
            run=run,
            cache=FeatureCache(options.cache),
            n_folds=options.folds,
            across=options.across,
            seed=options.seed,
            cluster=options.cluster,
            command=_public_compare_command(options),
        )
    )
    logging.info("wrote %s, with compare.json and compare.png beside it", run / "compare.md")


def _public_compare_command(options: argparse.Namespace) -> str:
    """Return the command for the record, without the paths of this machine."""
    chosen = "".join(
        f" --{name} {' '.join(values)}"
        for name, values in (("model", options.model), ("features", options.features))
        if values
    )
    across = " --across" if options.across else ""
    return (
        f"python -m training compare {options.task} --data {_names(options.data)}{chosen} "
        f"--folds {options.folds}{across} --seed {options.seed}"
    )


def _progressions(options: argparse.Namespace) -> None:
    from training.progressions.progression_job import ProgressionJob, measure
    from training.recipes import RECIPES
    from training.run_folder import RunFolder

    done = measure(
        ProgressionJob(
            recipe=RECIPES[options.recipe],
            run=RunFolder(_run_folder(options)),
            data=options.data,
            count=options.count,
            songs=options.songs,
            soundfont=options.soundfont,
            seed=options.seed,
        )
    )
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(done.model_dump_json(indent=1), "utf-8")
    for part in done.parts:
        shown = ", ".join(
            f"{name} {figure.value:.3f} ({figure.low:.3f} to {figure.high:.3f})"
            for name, figure in part.figures.items()
            if name in PROGRESSION_FIGURES
        )
        logging.info("%s, %d recordings: %s", part.name, part.recordings, shown)
    if done.left_out:
        logging.info("too few chords of one guitar: %s", ", ".join(done.left_out))
    logging.info("all figures in %s", options.json)


def _invariance(options: argparse.Namespace) -> None:
    from training.invariance import InvarianceJob, measure
    from training.recipes import RECIPES
    from training.run_folder import RunFolder

    done = measure(
        InvarianceJob(
            recipe=RECIPES[options.recipe],
            run=RunFolder(_run_folder(options)),
            data=options.data,
            count=options.count,
            seed=options.seed,
        )
    )
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(done.model_dump_json(indent=1), "utf-8")
    for figures in done.changes:
        logging.info(
            "%s, %d clips: accuracy %.3f (%.3f to %.3f), same answer %.3f",
            figures.change,
            figures.n,
            figures.accuracy.value,
            figures.accuracy.low,
            figures.accuracy.high,
            figures.same_answer.value,
        )
    logging.info("all figures in %s", options.json)


def _outsiders(options: argparse.Namespace) -> None:
    from training.outsiders import OutsiderJob, count_outsiders

    done = count_outsiders(
        OutsiderJob(
            bundle=options.bundle,
            folders=options.data,
            count=options.count,
            joined_s=options.joined_s,
            seed=options.seed,
        )
    )
    options.json.parent.mkdir(parents=True, exist_ok=True)
    rows = [figures.model_dump(exclude_none=True) for figures in done]
    options.json.write_text(json.dumps(rows, indent=1), "utf-8")
    for figures in done:
        logging.info(figures.summary())
    logging.info("all figures in %s", options.json)


def _report(options: argparse.Namespace) -> None:
    from training.recipes import RECIPES
    from training.report import report
    from training.run_folder import RunFolder

    run = RunFolder(_run_folder(options))
    out = options.out or run.path / "report"
    report(RECIPES[options.recipe], run, out)
    logging.info("wrote %s", out / "report.md")
