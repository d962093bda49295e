"""What each command of the training job does with its options.

Everything heavy is imported where it is needed, so that ``--help`` answers at once.
"""

import argparse
import json
import logging
import shlex
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from training.errors import TrainingError

if TYPE_CHECKING:
    from training.fitting.run_folder import RunFolder
    from training.recipes import Recipe
    from training.results.two_runs import Finished

PROGRESSION_FIGURES = ("root", "majmin", "sevenths", "seg", "boundary_f_0.25s")


def prepare(options: argparse.Namespace) -> None:
    """Compute and cache the features of all clips, or write them for other programs."""
    if options.format is not None:
        _write_data_set(options)
        return
    from training.data.cache import FeatureCache
    from training.data.filter_banks import make_bank
    from training.data.preparation import prepare as prepare_clips
    from training.fitting.chosen_recipe import chosen_recipe
    from training.fitting.material import read_labelled

    recipe = chosen_recipe(options.recipe, options.data)
    clips = read_labelled(recipe, options.data)
    features, cache = recipe.inputs.features, FeatureCache(options.cache)
    done = prepare_clips(clips, features, make_bank(features), cache, options.cluster)
    for (data_set, split), n in sorted(
        Counter((p.clip.data_set, p.clip.split) for p in done.clips).items()
    ):
        logging.info("%s, split %s: %d clips", data_set, split, n)
    logging.info("%d clips ready, %d skipped", len(done.clips), len(done.skipped))


def _write_data_set(options: argparse.Namespace) -> None:
    from training.data.labels import TASKS
    from training.data.readers import read_data_sets
    from training.forms.data_set import write_data_set

    clips = read_data_sets(options.data, options.recipe, as_written=options.recipe not in TASKS)
    for file in write_data_set(clips, options.format, options.out, options.cluster):
        logging.info("wrote %s", file)


def fit(options: argparse.Namespace) -> None:
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
    run = RunFolder(_run_folder(options))
    run_fit(
        FitJob(
            recipe=recipe,
            data=options.data,
            run=run,
            cache=FeatureCache(options.cache),
            seed=options.seed,
            beside=Beside(outside=options.outside, soundfonts=options.soundfonts),
            with_folds=not options.no_folds,
            cluster=options.cluster,
            command=_fit_command(options),
            models=options.models,
            tensorboard=options.tensorboard,
        )
    )
    if run.folds():
        logging.info(
            "finished; next: python -m training report %s, then promote %s",
            options.recipe,
            options.recipe,
        )
    elif options.no_folds:
        logging.info("finished; to export it, measure it too: the same without --no-folds")
    else:
        logging.info("finished, but not measured, so it cannot be exported; see the warning above")


def promote(options: argparse.Namespace) -> None:
    """Put a run's bundle under models/, if it is not worse than what is there."""
    from training.data.cache import FeatureCache
    from training.results.promotion import PromotionJob
    from training.results.promotion import promote as put_there

    recipe, run = _kept(options)
    folder = put_there(
        PromotionJob(
            recipe=recipe,
            run=run,
            models=options.models,
            cache=FeatureCache(options.cache),
            data=options.data,
            even_if_worse=options.even_if_worse,
        )
    )
    logging.info("wrote %s; the service checks it at its next start", folder)


def export(options: argparse.Namespace) -> None:
    """Write a finished run as a bundle, elsewhere or by promoting it; or all for Triton."""
    if options.triton is not None:
        _export_to_triton(options)
        return
    if options.recipe is None:
        raise TrainingError("Name the recipe whose run is exported, or --triton and a folder.")
    if options.out is None:
        promote(options)
        return
    from training.results.export import export as write

    folder = write(*_kept(options), options.out)
    logging.info("wrote %s", folder)


def _export_to_triton(options: argparse.Namespace) -> None:
    from service.inference.registry import bundle_folders
    from training.results.triton import write_repository

    tasks = [options.recipe] if options.recipe is not None else bundle_folders(options.models)
    if not tasks:
        raise TrainingError(f"There is no bundle in {options.models}.")
    for task in tasks:
        for folder in write_repository(options.models / task, options.triton):
            logging.info("wrote %s", folder)


def evaluate(options: argparse.Namespace) -> None:
    """Score a bundle on labelled data."""
    from training.data.cache import FeatureCache
    from training.evaluation.evaluate import evaluate as score
    from training.evaluation.evaluate import load_bundle
    from training.evaluation.metrics import with_interval

    cache = FeatureCache(options.cache)
    evaluation = score(options.bundle, options.data, cache, options.split, options.cluster)
    logging.info(
        "%d clips, accuracy %s, balanced accuracy %s",
        evaluation.n,
        with_interval(evaluation.accuracy),
        with_interval(evaluation.balanced_accuracy),
    )
    if options.json is not None:
        _write_figures(options.json, evaluation.model_dump_json(indent=1))
        logging.info("wrote %s", options.json)
    if options.page is not None:
        from training.results.evaluation_page import write_evaluation_page

        bundle = load_bundle(options.bundle)
        write_evaluation_page(evaluation, bundle, options.data, options.page, cache)
        logging.info("wrote %s", options.page)


def compare(options: argparse.Namespace) -> None:
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
            command=_compare_command(options),
        )
    )
    logging.info("wrote %s, with compare.json and compare.png beside it", run / "compare.md")


def progressions(options: argparse.Namespace) -> None:
    """Measure chords over time: of a bundle on songs, or of a run on what it held out."""
    if options.songs is None and not options.data:
        raise TrainingError("Give --songs FOLDER, or the --data that a run was trained on.")
    if options.songs is not None:
        _progressions_of_songs(options)
    if options.data:
        _progressions_of_run(options)


def _progressions_of_songs(options: argparse.Namespace) -> None:
    from training.evaluation.evaluate import load_bundle
    from training.progressions.song_exam import measure_songs

    done = measure_songs(options.songs, load_bundle(options.heard_by))
    for problem in done.unreadable:
        logging.warning("cannot be decoded: %s", problem)
    logging.info("%s", done.table())
    if options.json:
        _write_figures(options.json, done.model_dump_json(indent=1))


def _progressions_of_run(options: argparse.Namespace) -> None:
    from training.evaluation.metrics import with_interval
    from training.fitting.run_folder import RunFolder
    from training.progressions.progression_job import ProgressionJob, measure
    from training.recipes import RECIPES

    done = measure(
        ProgressionJob(
            recipe=RECIPES[options.recipe],
            run=RunFolder(_run_folder(options)),
            data=options.data,
            count=options.count,
            songs=options.made_songs,
            soundfont=options.soundfont,
            seed=options.seed,
        )
    )
    if options.json:
        _write_figures(options.json, done.model_dump_json(indent=1))
    for part in done.parts:
        shown = ", ".join(
            f"{name} {with_interval(figure)}"
            for name, figure in part.figures.items()
            if name in PROGRESSION_FIGURES
        )
        logging.info("%s, %d recordings: %s", part.name, part.recordings, shown)
    if done.left_out:
        logging.info("too few chords of one guitar: %s", ", ".join(done.left_out))


def render(options: argparse.Namespace) -> None:
    """Play songs of POP909 with a band."""
    from training.progressions.rendering import RenderJob, render

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


def learn_songs(options: argparse.Namespace) -> None:
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


def invariance(options: argparse.Namespace) -> None:
    """Measure a run on changed recordings."""
    from training.fitting.run_folder import RunFolder
    from training.recipes import RECIPES
    from training.results.fold_bundles import UnseenJob
    from training.robustness.invariance import measure

    done = measure(
        UnseenJob(
            recipe=RECIPES[options.recipe],
            run=RunFolder(_run_folder(options)),
            data=options.data,
            count=options.count,
            seed=options.seed,
        )
    )
    _write_figures(options.json, done.model_dump_json(indent=1))
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


def outsiders(options: argparse.Namespace) -> None:
    """Count how a bundle answers what it has no label for."""
    from training.robustness.outsiders import OutsiderJob, count_outsiders

    done = count_outsiders(
        OutsiderJob(
            bundle=options.bundle,
            folders=options.data,
            count=options.count,
            joined_s=options.joined_s,
            seed=options.seed,
        )
    )
    rows = [figures.model_dump(exclude_none=True) for figures in done]
    _write_figures(options.json, json.dumps(rows, indent=1))
    for figures in done:
        logging.info(figures.summary())
    logging.info("all figures in %s", options.json)


def ratings(options: argparse.Namespace) -> None:
    """Measure what listeners rate, on collections that were not learned from."""
    from training.data.cache import FeatureCache
    from training.data.scales import RATINGS_LIST, SCALES
    from training.fitting.ratings import hear, measure, summaries
    from training.recipes import RECIPES

    recipe = RECIPES[options.recipe]
    if recipe.inputs.backbone is None:
        raise TrainingError(f"The recipe {recipe.name} has no pretrained network to rate with.")
    backbone = recipe.inputs.backbone()
    cache = FeatureCache(options.cache)
    heard = hear(recipe, SCALES, options.data, cache, backbone, options.cluster)
    if not heard.rated.clips:
        raise TrainingError(f"None of the folders has ratings in a {RATINGS_LIST}.")
    done = measure(heard, SCALES)
    rows = [rating.model_dump() for rating in done]
    _write_figures(options.json, json.dumps(rows, indent=1))
    for line in summaries(done):
        logging.info(line)
    logging.info("all figures in %s", options.json)


def listen(options: argparse.Namespace) -> None:
    """Take one step towards a listener of our own."""
    from training.listener import listen_job
    from training.listener.study import Plan

    folder = listen_job.ListenFolder(options.run)
    if options.step == "gather":
        listen_job.gather(folder, options.data, options.speech, fetch=options.packages)
    elif options.step == "prepare":
        listen_job.prepare(folder, options.teachers, range(options.first, options.parts))
    elif options.step == "study":
        plan = Plan(rounds=options.rounds, peak_rate=options.peak_rate, seed=options.seed)
        listen_job.learn(folder, plan, options.start)
    else:
        for line in listen_job.report(folder, options.data, options.out):
            logging.info(line)


def report(options: argparse.Namespace) -> None:
    """Draw and write down what a run measured, or compare two."""
    from training.data.cache import FeatureCache
    from training.results.report import report as write

    if len(options.runs) == 2:
        _compare_runs(options)
        return
    one = _finished(options.runs[0], options.run)
    out = options.out or one.run.path / "report"
    write(one.recipe, one.run, out, FeatureCache(options.cache))
    logging.info("wrote %s", out / "report.html")


def _compare_runs(options: argparse.Namespace) -> None:
    from training.results.two_runs import compare_runs

    first, second = (_finished(name) for name in options.runs)
    file = (options.out or second.run.path / "report") / f"against_{first.run.path.name}.html"
    logging.info("%s", compare_runs(first, second, file).summary())
    logging.info("wrote %s", file)


def _finished(name: str, folder: Path | None = None) -> "Finished":
    """Return the run of a task, or the one in a folder, with its recipe."""
    import tomllib

    from training.fitting.run_folder import RunFolder
    from training.recipes.tables import kept_recipe
    from training.results.two_runs import Finished

    is_folder = folder is None and (Path(name) / "run.json").exists()
    run = RunFolder(Path(name) if is_folder else folder or Path("runs") / name)
    text = run.recipe_text()
    if is_folder:
        name = run.record().task if text is None else tomllib.loads(text).get("name", name)
    return Finished(kept_recipe(name, text), run)


def print_recipe(options: argparse.Namespace) -> None:
    """Print a recipe as TOML."""
    from training.recipes.tables import recipe_text

    sys.stdout.write(recipe_text(_kept(options)[0]))


def _kept(options: argparse.Namespace) -> "tuple[Recipe, RunFolder]":
    """Return a recipe as its run kept it, and the run."""
    from training.fitting.run_folder import RunFolder
    from training.recipes.tables import kept_recipe

    run = RunFolder(_run_folder(options))
    return kept_recipe(options.recipe, run.recipe_text()), run


def _run_folder(options: argparse.Namespace) -> Path:
    run: Path | None = options.run
    return run or Path("runs") / options.recipe


def _fit_command(options: argparse.Namespace) -> str:
    """Return the command for the card, without the paths of this machine."""
    outside = f" --outside {_names(options.outside)}" if options.outside else ""
    fonts = f" --soundfonts {_names(options.soundfonts)}" if options.soundfonts else ""
    folds = " --no-folds" if options.no_folds else ""
    folds += " --labels-from-data" if options.labels_from_data else ""
    folds += f" --recipe {options.recipe_file.name}" if options.recipe_file else ""
    return (
        f"python -m training fit {options.recipe} --data {_names(options.data)}{outside}{fonts} "
        f"--seed {options.seed}{folds}"
    )


def _names(paths: Sequence[Path]) -> str:
    return shlex.join(path.resolve().name for path in paths)


def _compare_command(options: argparse.Namespace) -> str:
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
        f"python -m training compare {options.task} --data {_names(options.data)}{chosen} "
        f"--folds {options.folds}{across} --seed {options.seed}"
    )


def _write_figures(file: Path, figures: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(figures, "utf-8")
