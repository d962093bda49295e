"""What a student explains of its teachers, and what it knows beside them of genre and emotion."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict
from tqdm import tqdm

from service.inference.card import Estimate
from service.inference.features import FeatureSpec, compute_grid
from training.data.filter_banks import make_bank
from training.data.readers import AudioFile, LabelledClip, read_data_sets
from training.errors import UnreadableClip
from training.evaluation.metrics import score
from training.listener.gathering import is_held_out
from training.listener.probing import clip_mean, probe
from training.recipes import RECIPES

TASKS = ("genre", "emotion")

Array = NDArray[np.float32]
Listen = Callable[[Array], Array]


class Knowledge(BaseModel):
    """What regressions on an embedding know of a task."""

    model_config = ConfigDict(extra="forbid")

    listener: str
    task: str
    n: int
    accuracy: Estimate
    balanced_accuracy: Estimate
    not_studied_n: int
    not_studied_accuracy: Estimate | None
    not_studied_balanced_accuracy: Estimate | None

    def summary(self) -> str:
        """Return the figures in words."""
        text = (
            f"{self.listener}, {self.task}: accuracy {self.accuracy.value:.3f}, balanced "
            f"{self.balanced_accuracy.value:.3f} on {self.n} clips"
        )
        if self.not_studied_accuracy and self.not_studied_balanced_accuracy:
            text += (
                f"; {self.not_studied_accuracy.value:.3f} and "
                f"{self.not_studied_balanced_accuracy.value:.3f} on the {self.not_studied_n} of "
                "groups that were not studied"
            )
        return text


def knowledge(data: Sequence[Path], listeners: Mapping[str, Listen]) -> list[Knowledge]:
    """Probe listeners, and all of them together, on the folds of the recipes.

    Parameters
    ----------
    data
        Data sets with labels.
    listeners
        From windows to what each hears of them.
    """
    found = []
    for task in TASKS:
        recipe = RECIPES[task]
        clips = [
            clip
            for clip in read_data_sets(data, task)
            if clip.split not in recipe.validation.left_out and isinstance(clip.source, AudioFile)
        ]
        clips, heard = _heard(clips, recipe.inputs.features, listeners)
        if len(heard) > 1:
            heard[" and ".join(heard)] = np.concatenate(list(heard.values()), axis=1)
        labels = sorted({clip.label for clip in clips})
        folds = recipe.validation.folds(clips)
        for name, values in heard.items():
            said = probe(values, clips, folds, recipe.validation.held_back)
            unheard = [i for i, group in enumerate(said.groups) if is_held_out(group)]
            whole = score(said, labels)
            part = score(said.only(unheard), labels) if unheard else None
            found.append(
                Knowledge(
                    listener=name,
                    task=task,
                    n=whole.n,
                    accuracy=whole.accuracy,
                    balanced_accuracy=whole.balanced_accuracy,
                    not_studied_n=len(unheard),
                    not_studied_accuracy=part and part.accuracy,
                    not_studied_balanced_accuracy=part and part.balanced_accuracy,
                )
            )
    return found


def write(exams: Path, known: Sequence[Knowledge], out: Path) -> None:
    """Write the exams of a study and what is known as JSON."""
    rows = {
        "exams": json.loads(exams.read_text("ascii")),
        "knowledge": [one.model_dump() for one in known],
    }
    out.write_text(json.dumps(rows, indent=1) + "\n", "utf-8")


def _heard(
    clips: Sequence[LabelledClip], spec: FeatureSpec, listeners: Mapping[str, Listen]
) -> tuple[list[LabelledClip], dict[str, Array]]:
    """Return the clips that can be read, and a row for each of what each listener hears."""
    bank = make_bank(spec)
    readable = []
    rows: dict[str, list[Array]] = {name: [] for name in listeners}
    for clip in tqdm(clips, desc="listening", unit="clip"):
        try:
            samples = clip.source.samples(spec.sample_rate_hz)
        except UnreadableClip:
            continue
        grid = compute_grid(samples, spec, bank)
        readable.append(clip)
        for name, listen in listeners.items():
            rows[name].append(clip_mean(listen, grid))
    return readable, {name: np.stack(values) for name, values in rows.items()}
