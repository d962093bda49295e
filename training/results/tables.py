"""The tables of the page about a run or an evaluation."""

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from service.inference.card import Evaluation
from service.inference.features import FeatureSpec, FilterBank, Grid, compute_grid
from training.data.readers.clips import FILE_GROUP
from training.evaluation.metrics import with_interval
from training.fitting.fold_result import FoldResult
from training.fitting.trials import HeadChoice, head_name
from training.results.lengths import AtLength
from training.results.page import Table

COSTED_S = 30
MOST_GROUPS = 12

Known = tuple[str, str, str]
"""Label, data set and group of a clip."""


def figures_table(figures: Sequence[Evaluation]) -> Table:
    """Tell the figures, a row an evaluation."""
    head = ("clips", "n", "accuracy", "balanced accuracy", "macro F1", "calibration error")
    rows = [
        [
            f.data_set,
            str(f.n),
            *map(with_interval, (f.accuracy, f.balanced_accuracy, f.macro_f1, f.ece)),
        ]
        for f in figures
    ]
    return Table("Figures, with 95% intervals", head, rows)


def split_table(figures: Sequence[Evaluation]) -> Table:
    """Tell how the clips were split for each of the figures; once where it was the same."""
    of: dict[str, list[str]] = defaultdict(list)
    for f in figures:
        of[f.protocol].append(f.data_set)
    rows = [[", ".join(names), protocol] for protocol, names in of.items()]
    return Table("How the clips were split", ("clips", "split"), rows)


def recall_table(figures: Sequence[Evaluation]) -> Table:
    """Tell how many of each label's clips are told right, a column an evaluation."""
    labels = sorted({label for f in figures for label in f.per_class_recall})
    rows = [
        [
            label,
            *(
                with_interval(f.per_class_recall[label], ".2f")
                if label in f.per_class_recall
                else ""
                for f in figures
            ),
        ]
        for label in labels
    ]
    return Table("Recall by label", ("label", *(f.data_set for f in figures)), rows)


def length_table(lengths: Sequence[AtLength]) -> Table:
    """Tell the accuracy by how much is heard."""
    rows = [[one.heard, str(one.clips), with_interval(one.accuracy)] for one in lengths]
    return Table("Accuracy by the length that is heard", ("heard", "clips", "accuracy"), rows)


def data_table(clips: Sequence[Known]) -> Table:
    """Count clips and groups by label and data set."""
    data_sets = sorted({data_set for _, data_set, _ in clips})
    count = Counter((label, data_set) for label, data_set, _ in clips)
    groups = Counter((label, data_set) for label, data_set, _ in set(clips))

    def counted(label: str, names: Iterable[str]) -> str:
        wanted = [(label, name) for name in names]
        n = sum(count[one] for one in wanted)
        return f"{n} ({sum(groups[one] for one in wanted)})" if n else ""

    rows = [
        [label, counted(label, data_sets), *(counted(label, [name]) for name in data_sets)]
        for label in sorted({label for label, _, _ in clips})
    ]
    return Table("Data: clips (groups)", ("label", "all", *data_sets), rows)


def groups_table(clips: Sequence[Known]) -> Table:
    """Name the groups with the most clips, which weigh most in the figures."""
    named = [clip for clip in clips if not clip[2].startswith(FILE_GROUP)]
    count = Counter((group, data_set) for _, data_set, group in named)
    labels = defaultdict(set)
    for label, data_set, group in named:
        labels[group, data_set].add(label)
    largest = sorted(count, key=lambda one: (-count[one], one))[:MOST_GROUPS]
    rows = [[*one, str(count[one]), ", ".join(sorted(labels[one]))] for one in largest]
    alone = len(clips) - len(named)
    title = f"The largest of {len(count)} groups" + (f"; {alone} clips name none" if alone else "")
    return Table(title, ("group", "data set", "clips", "labels"), rows)


def leaks_table(folds: Sequence[FoldResult]) -> Table:
    """List groups that more than one fold held out: each was learned from in the other."""
    held_out = Counter(group for fold in folds for group in set(fold.groups))
    rows = [[group, str(n)] for group, n in sorted(held_out.items()) if n > 1]
    return Table("Groups on both sides of the split", ("group", "folds that held it out"), rows)


def copies_table(compared: int, pairs: Sequence[tuple[str, str]]) -> Table:
    """List pairs of clips that hold the same recording."""
    title = f"The same recording in two groups, of {compared} clips at hand"
    return Table(title, ("clip", "another"), [list(pair) for pair in pairs])


def heads_table(choices: Mapping[str, HeadChoice]) -> Table:
    """Tell what was tried to stand on the pretrained network, a column a network of the run."""
    tried = {
        (name, trial.penalty): f"{trial.log_loss:.3f} ({trial.accuracy:.3f})"
        for name, choice in choices.items()
        for trial in choice.trials
    }
    for name, choice in choices.items():
        told = tried.get((name, choice.penalty), "untried")
        tried[name, choice.penalty] = f"{told} chosen"
    # From strict to loose, and last the recipe's own network.
    penalties = sorted({penalty for _, penalty in tried}, key=lambda p: (p is None, -(p or 0)))
    rows = [
        [head_name(penalty), *(tried.get((name, penalty), "") for name in choices)]
        for penalty in penalties
    ]
    title = "Heads tried on groups held out of what was learned from: log loss (accuracy)"
    return Table(title, ("head", *choices), rows)


def cost_table(
    by: str, weights: int, spec: FeatureSpec, bank: FilterBank, ask: Callable[[Grid], object]
) -> Table:
    """Measure what an answer about half a minute of noise takes, in processor time.

    Parameters
    ----------
    by
        What runs the network.
    weights
        How many it has.
    spec, bank
        Of its features.
    ask
        Asks it about a clip's grid.
    """
    title = f"Cost of an answer about {COSTED_S} s, decoding excluded"
    head = ("weights", "features, ms", f"network in {by}, ms")
    rng = np.random.default_rng(0)
    noise = 0.1 * rng.standard_normal(COSTED_S * spec.sample_rate_hz).astype(np.float32)
    grid = compute_grid(noise, spec, bank)
    features_ms = _spent_ms(lambda: compute_grid(noise, spec, bank))
    network_ms = _spent_ms(lambda: ask(grid))
    return Table(title, head, [[f"{weights:,}", f"{features_ms:.0f}", f"{network_ms:.0f}"]])


def _spent_ms(work: Callable[[], object]) -> float:
    work()  # the first run also loads and compiles
    began = time.process_time()
    work()
    return 1_000 * (time.process_time() - began)
