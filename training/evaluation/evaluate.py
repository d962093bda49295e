"""Score any bundle on any labelled data with the functions that the service uses."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from service.audio.decode import Clip
from service.errors import BundleError
from service.inference.bundle import Bundle
from service.inference.card import Card, Evaluation
from service.inference.classification import Classification, classify_grids
from service.inference.features import FeatureSpec
from service.inference.grids import Heard, context_grid_key, grid_key
from service.inference.timings import Timings
from training.data.cache import FeatureCache
from training.data.labels import TASKS, some_of
from training.data.preparation import PreparedClip, prepare
from training.data.readers import (
    LabelledClip,
    SpectrogramImage,
    StoredGrid,
    gtzan_grid,
    read_data_sets,
)
from training.data.soundness import check_presence
from training.errors import TrainingError
from training.evaluation.metrics import Predictions, score

PICTURES_FOLDER = "pictures"


class ClipRow(BaseModel):
    """What the bundle said about one clip."""

    name: str
    data_set: str
    group: str
    heard_s: float
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
    bundle = load_bundle(bundle_folder)
    labels = bundle.card.labels
    clips = _clips_to_score(bundle.card, bundle_folder, data, split)
    scored, skipped, versions = [], [], []
    for judge, part in _judges(bundle, bundle_folder, clips):
        done = prepare(part, judge.card.features, judge.bank, cache, cluster)
        skipped += done.skipped
        versions.append(judge.card.version)
        scored += _scored(judge, labels, done.clips, cache, cluster)
    if not scored:
        raise TrainingError("There is no readable clip to score.")
    names = _row_names([one.clip.source.name for one in scored], data)
    skipped_names = _row_names([one.name for one in skipped], data)
    predictions = Predictions(
        probabilities=np.stack([one.probabilities for one in scored]),
        truth=np.array([labels.index(one.clip.label) for one in scored]),
        groups=[one.clip.group for one in scored],
    )
    return EvaluationReport(
        **dict(score(predictions, labels)),
        data_set=", ".join(sorted({one.clip.data_set for one in scored})),
        protocol=f"all clips given{f', split {split}' if split else ''}; "
        "clips that the bundle was trained on flatter it, its card names them",
        bundle=bundle.card.task,
        version=", ".join(versions),
        uncertain_share=round(float(np.mean([one.uncertain for one in scored])), 4),
        skipped={name: s.reason for name, s in zip(skipped_names, skipped, strict=True)},
        clips=[_row(one, labels, name) for one, name in zip(scored, names, strict=True)],
    )


def _clips_to_score(
    card: Card, bundle_folder: Path, data: Sequence[Path], split: str | None
) -> list[LabelledClip]:
    """Return the clips of some data that have a label of a bundle, and are of a split if any."""
    pictures = card.features == gtzan_grid.SPEC
    found = read_data_sets(data, card.task, pictures=pictures, as_written=_has_own_labels(card))
    clips = [clip for clip in found if split in (None, clip.split) and clip.label in card.labels]
    if not clips:
        of_split = f" and is of the split {split}" if split else ""
        raise TrainingError(
            f"No clip has a label that {bundle_folder} knows{of_split}. It knows "
            f"{some_of(card.labels)}; the data have "
            f"{some_of(sorted({clip.label for clip in found}))}."
        )
    check_presence(clips)
    return clips


def _has_own_labels(card: Card) -> bool:
    """Tell whether a bundle's labels are those of the data that it was trained on."""
    return not set(card.labels) <= set(TASKS.get(card.task, ()))


@dataclass(frozen=True)
class _Scored:
    """A clip and what a bundle said of it, in the order of the labels that are asked about."""

    clip: LabelledClip
    heard_s: float
    probabilities: NDArray[np.float64]
    uncertain: bool


def _judges(
    bundle: Bundle, folder: Path, clips: Sequence[LabelledClip]
) -> Iterator[tuple[Bundle, list[LabelledClip]]]:
    """Yield the bundle, and its variant for pictures where there is one, each with its clips."""
    drawn = [isinstance(clip.source, StoredGrid | SpectrogramImage) for clip in clips]
    variant = folder / PICTURES_FOLDER
    if not any(drawn) or not variant.exists():
        yield bundle, list(clips)
        return
    yield (
        load_bundle(variant),
        [clip for clip, picture in zip(clips, drawn, strict=True) if picture],
    )
    if not all(drawn):
        yield bundle, [clip for clip, picture in zip(clips, drawn, strict=True) if not picture]


def _scored(
    bundle: Bundle,
    labels: Sequence[str],
    prepared: Sequence[PreparedClip],
    cache: FeatureCache,
    cluster: str | None,
) -> list[_Scored]:
    if not prepared:
        return []
    card = bundle.card
    order = [card.labels.index(label) for label in labels]
    scored = []
    for one, said in zip(prepared, _answers(bundle, prepared, cache, cluster), strict=True):
        heard_s = (len(one.grid) - 1) * card.features.hop_s
        scored.append(_Scored(one.clip, heard_s, said.probabilities[order], said.uncertain))
    return scored


def _row(scored: _Scored, labels: Sequence[str], name: str) -> ClipRow:
    answer = int(scored.probabilities.argmax())
    return ClipRow(
        name=name,
        data_set=scored.clip.data_set,
        group=scored.clip.group,
        heard_s=round(scored.heard_s, 3),
        truth=scored.clip.label,
        answer=labels[answer],
        confidence=round(float(scored.probabilities[answer]), 6),
        uncertain=scored.uncertain,
        probabilities={
            label: round(float(p), 6) for label, p in zip(labels, scored.probabilities, strict=True)
        },
    )


def _answers(
    bundle: Bundle, prepared: Sequence[PreparedClip], cache: FeatureCache, cluster: str | None
) -> Iterator[Classification]:
    """Yield what the service would tell of each clip."""
    made = [{grid_key(bundle): one.grid} for one in prepared]
    if bundle.context is not None:
        spec, bank = bundle.context.spec.features, bundle.context.bank
        heard = prepare([one.clip for one in prepared], spec, bank, cache, cluster).clips
        for grids, one in zip(made, heard, strict=True):
            grids[context_grid_key(bundle, bundle.context)] = one.grid
    for one, halves in zip(prepared, made, strict=True):
        whole: Heard = {key: half.astype(np.float32) for key, half in halves.items()}
        clip = _clip_of(one, bundle.card.features)
        yield classify_grids(clip, whole, {"it": bundle}, Timings(), timeline=False)["it"]


def _clip_of(prepared: PreparedClip, spec: FeatureSpec) -> Clip:
    """Return what the service must know of a clip beside its grid, as far as that tells it."""
    return Clip(
        duration_s=(len(prepared.grid) - 0.5) * spec.hop_s,  # to half a frame
        sample_rate_hz=spec.sample_rate_hz,
        channels=1,
        format="",
        silent=not prepared.grid.any(),
    )


def load_bundle(folder: Path) -> Bundle:
    """Load the bundle in a folder, or say that it cannot be used."""
    try:
        return Bundle.load(folder)
    except BundleError as error:
        raise TrainingError(f"The bundle {folder} cannot be used: {error}") from error


def data_root(path: Path) -> Path:
    """Return the folder from which a data set names its clips."""
    return path if path.is_dir() else path.parent


def _row_names(names: Sequence[str], data: Sequence[Path]) -> list[str]:
    """Return names without the way to the data set, but of those that are then alike."""
    short = [_row_name(name, data) for name in names]
    count = Counter(short)
    return [s if count[s] == 1 else name for s, name in zip(short, names, strict=True)]


def _row_name(name: str, data: Sequence[Path]) -> str:
    """Return a clip's name as its data set gives it, without the way to the data set."""
    for path in data:
        root = f"{data_root(path)}/"
        if name.startswith(root):
            return name.removeprefix(root)
    return name
