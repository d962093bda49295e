"""Show what an evaluation found as the page that runs have."""

from pathlib import Path

import numpy as np

from training.evaluation.evaluate import EvaluationReport
from training.evaluation.metrics import Predictions
from training.results.page import (
    MOST_MISTAKES,
    Mistake,
    figures_rows,
    likeliest,
    recalls,
    render_page,
)
from training.results.report import draw_calibration, draw_confusion, save


def write_evaluation_page(evaluation: EvaluationReport, file: Path) -> None:
    """Write the page, and its pictures beside it as PNG."""
    wrong = sorted(
        (clip for clip in evaluation.clips if clip.answer != clip.truth),
        key=lambda clip: -clip.confidence,
    )
    labels = list(evaluation.clips[0].probabilities)
    predictions = Predictions(
        np.array([[clip.probabilities[label] for label in labels] for clip in evaluation.clips]),
        np.array([labels.index(clip.truth) for clip in evaluation.clips]),
        [clip.group for clip in evaluation.clips],
    )
    file.parent.mkdir(parents=True, exist_ok=True)
    confusion, calibration = (
        file.with_name(f"{file.stem}_{name}.png") for name in ("confusion", "calibration")
    )
    save(draw_confusion(evaluation), confusion)
    save(draw_calibration(predictions), calibration)
    skipped = [[name, reason] for name, reason in evaluation.skipped.items()]
    render_page(
        evaluation.bundle,
        f"Version {evaluation.version}, judged on {evaluation.n} clips: {evaluation.protocol}. "
        f"{evaluation.uncertain_share:.0%} of the answers are uncertain.",
        file,
        tables=[
            figures_rows([evaluation]),
            recalls(evaluation),
            ("Clips skipped", ("clip", "why"), skipped),
        ],
        mistakes=[
            Mistake(
                [
                    clip.name,
                    f"{clip.data_set}, {clip.group}",
                    clip.truth,
                    likeliest(clip.probabilities),
                ]
            )
            for clip in wrong[:MOST_MISTAKES]
        ],
        pictures=[
            (f"Confusions on {evaluation.data_set}", confusion),
            ("Confidence against accuracy", calibration),
        ],
    )
