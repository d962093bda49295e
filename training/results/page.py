"""Write what a run measured as one page that needs nothing but a browser."""

import base64
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined

from service.inference.card import Calibration, Evaluation
from service.inference.features import compute_grid
from service.inference.softmax import softmax
from service.inference.windows import cut_windows
from training.data.cache import FeatureCache
from training.data.filter_banks import make_bank
from training.evaluation.metrics import with_interval
from training.fitting.run_folder import FoldResult, RunFolder
from training.recipes import Recipe
from training.results.recordings import copies_across, files_of, mp3, spectrogram

MOST_MISTAKES = 50
SHOWN_PROBABILITIES = 3

Table = tuple[str, Sequence[str], list[list[str]]]
"""Title, heads of the columns, rows."""


@dataclass(frozen=True)
class Mistake:
    """A clip that was told wrong.

    Attributes
    ----------
    cells
        Its name, data set and group, truth, and the likeliest answers.
    picture, sound
        Its spectrogram as PNG and its beginning as MP3, both in Base64; None where the recording
        is not at hand.
    """

    cells: list[str]
    picture: str | None = None
    sound: str | None = None


def write_page(
    recipe: Recipe,
    run: RunFolder,
    calibration: Calibration,
    figures: Sequence[Evaluation],
    pictures: Sequence[tuple[str, Path]],
    file: Path,
    cache: FeatureCache | None = None,
) -> None:
    """Write the page.

    Parameters
    ----------
    recipe, run, calibration, figures
        What was trained, where, and how good it is.
    pictures
        Titles and PNG files, which become part of the page.
    file
        Where the page goes.
    cache
        Where features are; None to leave the recordings alone, also where they are at hand.
    """
    folds, record = run.folds(), run.record()
    heard = [] if cache is None else [_copies(*copies_across(recipe, run, cache))]
    render_page(
        recipe.task,
        f"Trained by {record.command}, {record.epochs} epochs, seed {record.seed}. Temperature "
        f"{calibration.temperature:g}; answers below {calibration.uncertain_below:g} count as "
        "uncertain.",
        file,
        remarks=record.remarks,
        tables=[
            figures_rows(figures),
            *(recalls(one) for one in figures if ", cut to " not in one.data_set),
            _by_length(folds),
            _data(run.inputs()),
            _leaks(folds),
            *heard,
            costs(recipe, run),
        ],
        mistakes=mistakes(recipe, run, calibration.temperature, cache),
        pictures=pictures,
    )


def render_page(
    task: str,
    told: str,
    file: Path,
    *,
    remarks: Sequence[str] = (),
    tables: Sequence[Table] = (),
    mistakes: Sequence[Mistake] = (),
    pictures: Sequence[tuple[str, Path]] = (),
) -> None:
    """Write a page of words, tables, mistakes and pictures that needs nothing but itself."""
    environment = Environment(
        loader=PackageLoader("training.results", "."), autoescape=True, undefined=StrictUndefined
    )
    page = environment.get_template("page.html.j2").render(
        task=task,
        told=told,
        remarks=remarks,
        tables=tables,
        most=MOST_MISTAKES,
        mistakes=mistakes,
        pictures=[
            (title, base64.b64encode(picture.read_bytes()).decode("ascii"))
            for title, picture in pictures
        ],
    )
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(page, "utf-8")


def mistakes(
    recipe: Recipe, run: RunFolder, temperature: float, cache: FeatureCache | None = None
) -> list[Mistake]:
    """Return the clips that were told wrong with the most confidence."""
    found = []
    for fold in run.folds():
        probabilities = softmax(fold.logits / temperature)
        for i in np.flatnonzero(probabilities.argmax(axis=1) != fold.truth):
            key = (fold.data_sets[i], fold.groups[i], fold.clip_names[i])
            cells = [
                fold.clip_names[i],
                f"{fold.data_sets[i]}, {fold.groups[i]}",
                recipe.labels[fold.truth[i]],
                likeliest(dict(zip(recipe.labels, probabilities[i].tolist(), strict=True))),
            ]
            found.append((float(probabilities[i].max()), key, cells))
    found.sort(key=lambda one: -one[0])
    files = {} if cache is None else files_of(run)
    chosen = []
    for _, key, cells in found[:MOST_MISTAKES]:
        path = files.get(key)
        if path is None or cache is None:
            chosen.append(Mistake(cells))
        else:
            chosen.append(Mistake(cells, spectrogram(recipe, path, cache), mp3(path)))
    return chosen


def likeliest(probabilities: Mapping[str, float]) -> str:
    """Return the likeliest labels with their probabilities, most first."""
    ordered = sorted(probabilities.items(), key=lambda one: -one[1])[:SHOWN_PROBABILITIES]
    return ", ".join(f"{label} {probability:.2f}" for label, probability in ordered)


def costs(recipe: Recipe, run: RunFolder) -> Table:
    """Measure what an answer about 30 s of audio takes: processor time, one run after a first."""
    head = ("weights", "features, ms", "network in Keras, ms")
    title = "Cost of an answer about 30 s"
    spec, network = recipe.inputs.features, run.network()
    if make_bank(spec).shape[1] == 0 or len(network.inputs) > 1:
        return f"{title}: not measured for this kind of features", head, []
    samples = np.random.default_rng(0).standard_normal(30 * spec.sample_rate_hz)
    noise = (0.1 * samples).astype(np.float32)
    bank = make_bank(spec)

    def spent_ms(work: Callable[[], object]) -> float:
        work()  # the first run also loads and compiles
        began = time.process_time()
        work()
        return 1_000 * (time.process_time() - began)

    windows = cut_windows(compute_grid(noise, spec, bank), recipe.inputs.windows)
    features_ms = spent_ms(lambda: compute_grid(noise, spec, bank))
    network_ms = spent_ms(lambda: network.predict_on_batch(windows))
    row = [f"{network.count_params():,}", f"{features_ms:.0f}", f"{network_ms:.0f}"]
    return f"{title}; the service's ONNX Runtime is quicker", head, [row]


def _copies(compared: int, pairs: Sequence[tuple[str, str]]) -> Table:
    title = f"The same recording in two groups, of {compared} clips at hand"
    return title, ("clip", "another"), [list(pair) for pair in pairs]


def figures_rows(figures: Sequence[Evaluation]) -> Table:
    """Return a table of figures, a row an evaluation."""
    head = ("clips", "n", "accuracy", "balanced accuracy", "macro F1", "calibration error", "split")
    rows = [
        [
            f.data_set,
            str(f.n),
            *map(with_interval, (f.accuracy, f.balanced_accuracy, f.macro_f1, f.ece)),
            f.protocol,
        ]
        for f in figures
    ]
    return "Figures, with 95% intervals", head, rows


def recalls(evaluation: Evaluation) -> Table:
    """Return how many of each label's clips are told right."""
    rows = [[label, with_interval(recall)] for label, recall in evaluation.per_class_recall.items()]
    return f"Recall by label, {evaluation.data_set}", ("label", "recall"), rows


def _by_length(folds: Sequence[FoldResult]) -> Table:
    """Pool the clips that were heard cut to each length as well."""
    right: dict[float, list[bool]] = defaultdict(list)
    for fold in folds:
        for cut_s, logits in zip(fold.cuts_s.tolist(), fold.cut_logits, strict=True):
            longer = ~np.isnan(logits).any(axis=1)
            hits = logits[longer].argmax(axis=1) == fold.truth[longer]
            right[cut_s] += hits.tolist()
    rows = [
        [f"{cut_s:g} s", str(len(hits)), f"{np.mean(hits):.3f}"]
        for cut_s, hits in sorted(right.items())
        if hits
    ]
    return "Clips cut short", ("heard", "clips that are longer", "accuracy"), rows


def _data(inputs: Sequence[dict[str, str]]) -> Table:
    clips = Counter((row["label"], row["data_set"]) for row in inputs)
    groups = {(row["label"], row["data_set"], row["group"]) for row in inputs}
    of = Counter((label, data_set) for label, data_set, _ in groups)
    rows = [[*kind, str(n), str(of[kind])] for kind, n in sorted(clips.items())]
    return "Data", ("label", "data set", "clips", "groups"), rows


def _leaks(folds: Sequence[FoldResult]) -> Table:
    """List groups that more than one fold held out: each was learned from in the other."""
    held_out = Counter(group for fold in folds for group in set(fold.groups))
    rows = [[group, str(n)] for group, n in sorted(held_out.items()) if n > 1]
    return "Groups on both sides of the split", ("group", "folds that held it out"), rows
