"""Score any bundle on any labelled data with the functions that the service uses."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from pydantic import BaseModel

from service.errors import BundleError
from service.inference.bundle import Bundle, Logits
from service.inference.card import Evaluation
from service.inference.classification import clip_logits
from service.inference.features import Grid
from training.data.cache import FeatureCache
from training.data.preparation import PreparedClip, prepare
from training.data.readers import SpectrogramImage, StoredGrid, gtzan_grid, read_data_sets
from training.errors import TrainingError
from training.evaluation.metrics import Predictions, score

PICTURES_FOLDER = "pictures"


class ClipRow(BaseModel):
    """What the bundle said about one clip."""

    name: str
    data_set: str
    group: str
    truth: str
    answer: str
    confidence: float
    uncertain: bool
    probabilities: dict[str, float]


class EvaluationReport(Evaluation):
    """The figures of one evaluation, with one row per clip."""

    bundle: str
    version: str
    uncertain_share: float
    skipped: dict[str, str]
    clips: list[ClipRow]


def evaluate(
    bundle_folder: Path,
    data: Sequence[Path],
    cache: FeatureCache,
    split: str | None = None,
    cluster: str | None = None,
) -> EvaluationReport:
    """Score a bundle.

    Parameters
    ----------
    bundle_folder
        Such as ``models/genre``. Spectrogram pictures and their grids are scored by its
        variant for pictures, the folder ``pictures`` in it, where there is one.
    data
        Data sets in any layout that :mod:`training.data.readers` knows.
    cache
        Where features are kept.
    split
        Score only clips of this split; None for all.
    cluster
        Address of a Dask scheduler; None for this machine.

    Raises
    ------
    TrainingError
        The bundle cannot be loaded or there is nothing to score.
    """
    bundle = _load(bundle_folder)
    pictures = bundle.card.features == gtzan_grid.SPEC
    clips = read_data_sets(data, bundle.card.task, pictures=pictures)
    drawn = any(isinstance(clip.source, StoredGrid | SpectrogramImage) for clip in clips)
    if drawn and not pictures and (bundle_folder / PICTURES_FOLDER).exists():
        bundle = _load(bundle_folder / PICTURES_FOLDER)
    card = bundle.card
    clips = [clip for clip in clips if split in (None, clip.split) and clip.label in card.labels]
    done = prepare(clips, card.features, bundle.bank, cache, cluster)
    if not done.clips:
        raise TrainingError("There is no readable clip to score.")
    logits = np.stack(_logits(bundle, done.clips, cache, cluster))
    predictions = Predictions(
        probabilities=bundle.probabilities(logits),
        truth=np.array([card.labels.index(p.clip.label) for p in done.clips]),
        groups=[p.clip.group for p in done.clips],
    )
    uncertain = predictions.confidences < card.calibration.uncertain_below
    rows = [
        ClipRow(
            name=_row_name(prepared.clip.source.name, data),
            data_set=prepared.clip.data_set,
            group=prepared.clip.group,
            truth=prepared.clip.label,
            answer=card.labels[answer],
            confidence=round(float(probabilities[answer]), 6),
            uncertain=bool(flag),
            probabilities={
                label: round(float(p), 6)
                for label, p in zip(card.labels, probabilities, strict=True)
            },
        )
        for prepared, probabilities, answer, flag in zip(
            done.clips, predictions.probabilities, predictions.answers, uncertain, strict=True
        )
    ]
    return EvaluationReport(
        **dict(score(predictions, card.labels)),
        data_set=", ".join(sorted({p.clip.data_set for p in done.clips})),
        protocol=f"all clips given{f', split {split}' if split else ''}; "
        "clips that the bundle was trained on flatter it, its card names them",
        bundle=card.task,
        version=card.version,
        uncertain_share=round(float(uncertain.mean()), 4),
        skipped={_row_name(s.name, data): s.reason for s in done.skipped},
        clips=rows,
    )


def _logits(
    bundle: Bundle, prepared: Sequence[PreparedClip], cache: FeatureCache, cluster: str | None
) -> list[Logits]:
    """Return each clip's logits, shape [labels]."""
    grids = [p.grid.astype(np.float32) for p in prepared]
    context_grids: Sequence[Grid | None] = [None] * len(grids)
    if bundle.context is not None:
        spec, bank = bundle.context.spec.features, bundle.context.bank
        heard = prepare([p.clip for p in prepared], spec, bank, cache, cluster).clips
        context_grids = [p.grid.astype(np.float32) for p in heard]
    return [
        clip_logits(bundle.window_logits(grid, context_grid))
        for grid, context_grid in zip(grids, context_grids, strict=True)
    ]


def _load(folder: Path) -> Bundle:
    try:
        return Bundle.load(folder)
    except BundleError as error:
        raise TrainingError(f"The bundle cannot be scored: {error}") from error


def _row_name(name: str, data: Sequence[Path]) -> str:
    """Return a clip's name as its data set gives it, without the way to the data set."""
    for path in data:
        root = f"{path if path.is_dir() else path.parent}/"
        if name.startswith(root):
            return name.removeprefix(root)
    return name
