"""What a bundle answered about clips that it had not learned from, kept beside it.

The next bundle is compared with it on the clips that both were measured on. A clip is known
by a hash of what the data call it, so the list says nothing of who made the recordings.
"""

import csv
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from training.data.clip_keys import ClipKey
from training.evaluation.paired import Comparison, compare_answers
from training.fitting.fold_result import FoldResult

HELD_OUT_FILE = "held_out.csv"
_COLUMNS = ("clip", "group", "truth", "answer")


@dataclass(frozen=True)
class Answer:
    """What was said of one clip, and what is true."""

    group: str
    truth: str
    answer: str


Answers = Mapping[str, Answer]
"""By what :func:`hashed` makes of each clip's key."""


def compare_held_out(keys: Sequence[str], old: Answers, new: Answers) -> Comparison:
    """Compare what two models answered about the clips of some keys; there is at least one."""
    return compare_answers(
        [new[key].truth for key in keys],
        [old[key].answer for key in keys],
        [new[key].answer for key in keys],
        [new[key].group for key in keys],
    )


def hashed(key: ClipKey) -> str:
    """Return what stands for a clip where it is not named."""
    return _hashed(*key)


def answers_of(folds: Sequence[FoldResult], labels: Sequence[str]) -> dict[str, Answer]:
    """Return the answers of a run's folds."""
    return {
        hashed(key): Answer(_hashed(key[1]), labels[int(truth)], labels[int(answer)])
        for fold in folds
        for key, truth, answer in zip(
            fold.keys, fold.truth, fold.logits.argmax(axis=1), strict=True
        )
    }


def write_held_out(answers: Answers, file: Path) -> None:
    """Write answers beside a bundle."""
    with file.open("w", newline="", encoding="utf-8") as opened:
        writer = csv.writer(opened, lineterminator="\n")
        writer.writerow(_COLUMNS)
        for key, one in sorted(answers.items()):
            writer.writerow((key, one.group, one.truth, one.answer))


def read_held_out(folder: Path) -> dict[str, Answer]:
    """Return the answers that lie beside a bundle; nothing where there are none."""
    file = folder / HELD_OUT_FILE
    if not file.exists():
        return {}
    with file.open(newline="", encoding="utf-8") as opened:
        return {
            row["clip"]: Answer(row["group"], row["truth"], row["answer"])
            for row in csv.DictReader(opened)
        }


def _hashed(*words: str) -> str:
    return hashlib.sha256("\n".join(words).encode()).hexdigest()[:16]
