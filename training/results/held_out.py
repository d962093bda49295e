"""What a bundle answered about clips that it had not learned from, kept beside it.

The next bundle is compared with it on the clips that both were measured on. A clip is known
by a hash of what the data call it, so the list says nothing of who made the recordings.
"""

import csv
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from service.inference.card import Calibration
from training.data.clip_keys import ClipKey
from training.evaluation.paired import Comparison, Told, compare_answers
from training.fitting.fold_result import FoldResult
from training.results.figures import Unseen

HELD_OUT_FILE = "held_out.csv"
_COLUMNS = ("clip", "group", "truth", "answer", "confidence")
_DIGITS = 4


@dataclass(frozen=True)
class Answer:
    """What was said of one clip, as it is served, and what is true.

    The confidence is None where it was not kept, as beside bundles of before.
    """

    group: str
    truth: str
    answer: str
    confidence: float | None = None


Answers = Mapping[str, Answer]
"""By what :func:`hashed` makes of each clip's key."""


def compare_held_out(keys: Sequence[str], old: Answers, new: Answers) -> Comparison:
    """Compare what two models answered about the clips of some keys; there is at least one."""
    return compare_answers(
        [new[key].truth for key in keys],
        _told([old[key] for key in keys]),
        _told([new[key] for key in keys]),
        [new[key].group for key in keys],
    )


def hashed(key: ClipKey) -> str:
    """Return what stands for a clip where it is not named."""
    return _hashed(*key)


def answers_of(
    folds: Sequence[FoldResult], labels: Sequence[str], calibration: Calibration
) -> dict[str, Answer]:
    """Return the answers of a run's folds, as they are served with a calibration."""
    said = Unseen.of(folds).predictions(calibration)
    return {
        hashed(key): Answer(
            _hashed(key[1]), labels[truth], labels[answer], round(confidence, _DIGITS)
        )
        for key, truth, answer, confidence in zip(
            [key for fold in folds for key in fold.keys],
            said.truth.tolist(),
            said.answers.tolist(),
            said.confidences.tolist(),
            strict=True,
        )
    }


def write_held_out(answers: Answers, file: Path) -> None:
    """Write answers beside a bundle."""
    with file.open("w", newline="", encoding="utf-8") as opened:
        writer = csv.writer(opened, lineterminator="\n")
        writer.writerow(_COLUMNS)
        for key, one in sorted(answers.items()):
            writer.writerow((key, one.group, one.truth, one.answer, one.confidence))


def read_held_out(folder: Path) -> dict[str, Answer]:
    """Return the answers that lie beside a bundle; nothing where there are none."""
    file = folder / HELD_OUT_FILE
    if not file.exists():
        return {}
    with file.open(newline="", encoding="utf-8") as opened:
        return {
            row["clip"]: Answer(
                row["group"], row["truth"], row["answer"], _number(row.get("confidence"))
            )
            for row in csv.DictReader(opened)
        }


def _number(written: str | None) -> float | None:
    return float(written) if written else None


def _told(answers: Sequence[Answer]) -> Told:
    known = [one.confidence for one in answers if one.confidence is not None]
    return Told([one.answer for one in answers], known if len(known) == len(answers) else None)


def _hashed(*words: str) -> str:
    return hashlib.sha256("\n".join(words).encode()).hexdigest()[:16]
