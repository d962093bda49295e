from pathlib import Path

import numpy as np
from PIL import Image

from training.evaluation.evaluate import ClipRow, EvaluationReport
from training.evaluation.metrics import Predictions, score
from training.results.evaluation_page import write_evaluation_page

LABELS = ("calm", "loud")


def made(n: int = 40) -> EvaluationReport:
    """Return an evaluation in which each fifth clip is told wrong, ever more confidently."""
    truth = np.arange(n) % 2
    answer = np.where(np.arange(n) % 5 == 0, 1 - truth, truth)
    sure = np.linspace(0.6, 0.95, n)
    probabilities = np.where(np.arange(2) == answer[:, np.newaxis], sure[:, np.newaxis], 0)
    probabilities += (probabilities == 0) * (1 - sure)[:, np.newaxis]
    groups = [f"artist-{i // 2}" for i in range(n)]
    clips = [
        ClipRow(
            name=f"<{i}>.wav",
            data_set="songs",
            group=groups[i],
            truth=LABELS[truth[i]],
            answer=LABELS[answer[i]],
            confidence=float(sure[i]),
            uncertain=False,
            probabilities=dict(zip(LABELS, probabilities[i].tolist(), strict=True)),
        )
        for i in range(n)
    ]
    return EvaluationReport(
        **dict(score(Predictions(probabilities, truth, groups), LABELS)),
        data_set="songs",
        protocol="all clips given",
        bundle="mood",
        version="1.2.3",
        uncertain_share=0.25,
        skipped={"z.wav": "is no audio"},
        clips=clips,
    )


def test_the_page_shows_figures_pictures_and_mistakes(tmp_path: Path) -> None:
    write_evaluation_page(made(), tmp_path / "new" / "page.html")

    page = (tmp_path / "new" / "page.html").read_text("utf-8")
    assert "Version 1.2.3, judged on 40 clips" in page
    assert "0.800 (" in page
    assert "<td>z.wav</td><td>is no audio</td>" in page
    wrong = [f"&lt;{i}&gt;.wav" for i in range(35, -1, -5)]
    assert [name for name in page.split("<td>") if name.split("</td>")[0] in wrong]
    places = [page.index(f"<td>{name}</td>") for name in wrong]
    assert places == sorted(places)
    assert "&lt;1&gt;.wav" not in page
    for name in ("confusion", "calibration"):
        with Image.open(tmp_path / "new" / f"page_{name}.png") as picture:
            assert min(picture.size) > 100
