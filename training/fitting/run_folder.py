"""What one training run leaves on disk, and where."""

import csv
import datetime
import json
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from service.files import written_whole
from service.inference.card import Rating
from service.inference.context import Context
from training.data.readers import LabelledClip
from training.errors import TrainingError
from training.fitting.fold_result import FoldResult
from training.fitting.run_record import RunRecord
from training.fitting.trials import HeadChoice
from training.networks.context import load_context

INPUTS_FILE = "inputs.csv"
RECIPE_FILE = "recipe.toml"
FINAL = "final"
"""The network that learned from all that is not held back."""
HELD_BACK_FOLD = "valid-list"
"""The fold of the clips that a list holds back, which the final network is judged on."""


class RunFolder:
    """A folder with the network, the fold results and the record of one run."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def claim(self, fingerprint: str) -> None:
        """Begin or resume; refuse to mix two runs in one folder.

        Raises
        ------
        TrainingError
            The folder holds a run on other data, or with other options.
        """
        file = self.path / "fingerprint.txt"
        if file.exists() and file.read_text("ascii") != fingerprint:
            raise TrainingError(
                f"{self.path} holds a run on other data or with other options. "
                "Choose another folder with --run, or delete this one."
            )
        _write_whole(file, fingerprint)

    def keep_recipe(self, text: str) -> None:
        """Keep the recipe, so that what is done with the run later is done by the same."""
        _write_whole(self.path / RECIPE_FILE, text)

    def recipe_text(self) -> str | None:
        """Return the recipe as it was kept; None for a run that kept none."""
        file = self.path / RECIPE_FILE
        return file.read_text("utf-8") if file.exists() else None

    def keep_inputs(self, clips: Sequence[LabelledClip]) -> None:
        """Keep what is known of every clip, with a hash of its content."""
        with (self.path / INPUTS_FILE).open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(("clip", "label", "data_set", "group", "split", "content"))
            for clip in clips:
                source, known = clip.source, (clip.label, clip.data_set, clip.group, clip.split)
                writer.writerow((source.name, *known, source.content_key()))

    def inputs(self) -> list[dict[str, str]]:
        """Return what was kept of the clips; nothing for a run that kept none."""
        file = self.path / INPUTS_FILE
        if not file.exists():
            return []
        with file.open(newline="", encoding="utf-8") as opened:
            return list(csv.DictReader(opened))

    def backup(self, fold: str) -> Path:
        """Where an interrupted training of a fold left its state."""
        return self.path / "backup" / fold

    def tensorboard(self, fold: str) -> Path:
        """Where the logs of the training of a fold go, for TensorBoard."""
        return self.path / "tensorboard" / fold

    def keep_head_choice(self, fold: str, choice: HeadChoice) -> None:
        """Keep what was chosen to be trained for a fold, so that it is not tried again."""
        _write_whole(self._head_file(fold), choice.model_dump_json(indent=1))

    def head_choice(self, fold: str) -> HeadChoice | None:
        """Return what was chosen to be trained for a fold; None where there was no choice."""
        file = self._head_file(fold)
        return HeadChoice.model_validate_json(file.read_bytes()) if file.exists() else None

    def head_choices(self) -> dict[str, HeadChoice]:
        """Return what was chosen to be trained, by fold."""
        files = sorted(self._head_file("").parent.glob("*.json"))
        return {f.stem: HeadChoice.model_validate_json(f.read_bytes()) for f in files}

    def has_fold(self, name: str) -> bool:
        """Tell whether a fold was finished before."""
        return self._fold_file(name).exists()

    def save_fold(self, result: FoldResult, network: keras.Model) -> None:
        """Keep the result of a finished fold, and the network that never saw it."""
        file = self._fold_file(result.name)
        file.parent.mkdir(parents=True, exist_ok=True)
        network.save(file.with_suffix(".keras"))
        result.save(file)

    def folds(self) -> list[FoldResult]:
        """Return the results of all finished folds, by name."""
        return [FoldResult.load(file) for file in sorted((self.path / "folds").glob("*.npz"))]

    def fold_network(self, name: str) -> keras.Model:
        """Return the network that never saw the clips of a fold."""
        file = self._fold_file(name).with_suffix(".keras")
        self._require(file)
        return keras.saving.load_model(file, compile=False)

    def save_network(
        self,
        network: keras.Model,
        record: RunRecord,
        real_windows: NDArray[np.float32],
        real_contexts: NDArray[np.float32] | None = None,
    ) -> None:
        """Keep the final network, its record, and windows with contexts to check its export on."""
        self.path.mkdir(parents=True, exist_ok=True)
        network.save(self._network_file)
        np.save(self._windows_file, real_windows)
        none = np.zeros((len(real_windows), 0), np.float32)
        np.save(self._contexts_file, none if real_contexts is None else real_contexts)
        _write_whole(self._record_file, record.model_dump_json(indent=2))

    def network(self) -> keras.Model:
        """Return the final network."""
        self._require(self._network_file)
        return keras.saving.load_model(self._network_file, compile=False)

    def real_windows(self) -> NDArray[np.float32]:
        """Return some windows of real clips, shape [windows, frames, bands]."""
        self._require(self._windows_file)
        windows: NDArray[np.float32] = np.load(self._windows_file, allow_pickle=False)
        return windows

    def real_contexts(self) -> NDArray[np.float32]:
        """Return the contexts of those windows, shape [windows, outputs]; maybe no output."""
        self._require(self._contexts_file)
        contexts: NDArray[np.float32] = np.load(self._contexts_file, allow_pickle=False)
        return contexts

    @property
    def context_folder(self) -> Path:
        """Where the model is that listened to the clips, if there was one."""
        return self.path / "context"

    def context(self) -> Context | None:
        """Return the model that listened to the clips; None if there was none."""
        return load_context(self.context_folder) if self.context_folder.exists() else None

    def save_ratings(self, network: keras.Model, ratings: Sequence[Rating]) -> None:
        """Keep the network that rates embedded windows, and how good it is."""
        network.save(self._ratings_network_file)
        text = json.dumps([rating.model_dump() for rating in ratings], indent=2)
        _write_whole(self._ratings_file, text)

    def ratings(self) -> list[Rating]:
        """Return what the run learned to rate, and how well; nothing where it did not."""
        if not self._ratings_file.exists():
            return []
        return [Rating.model_validate(r) for r in json.loads(self._ratings_file.read_text("utf-8"))]

    def ratings_network(self) -> keras.Model:
        """Return the network that rates embedded windows."""
        self._require(self._ratings_network_file)
        return keras.saving.load_model(self._ratings_network_file, compile=False)

    def record(self) -> RunRecord:
        """Return how the run was started."""
        self._require(self._record_file)
        return RunRecord.model_validate(json.loads(self._record_file.read_text("utf-8")))

    def finished_on(self) -> datetime.date:
        """Return the day on which the network was finished."""
        self._require(self._network_file)
        seconds = self._network_file.stat().st_mtime
        return datetime.datetime.fromtimestamp(seconds, datetime.UTC).date()

    def _head_file(self, fold: str) -> Path:
        return self.path / "heads" / f"{fold}.json"

    def _fold_file(self, name: str) -> Path:
        return self.path / "folds" / f"{name}.npz"

    @property
    def _network_file(self) -> Path:
        return self.path / "network.keras"

    @property
    def _ratings_network_file(self) -> Path:
        return self.path / "ratings.keras"

    @property
    def _ratings_file(self) -> Path:
        return self.path / "ratings.json"

    @property
    def _windows_file(self) -> Path:
        return self.path / "real_windows.npy"

    @property
    def _contexts_file(self) -> Path:
        return self.path / "real_contexts.npy"

    @property
    def _record_file(self) -> Path:
        return self.path / "run.json"

    def _require(self, file: Path) -> None:
        if not file.exists():
            raise TrainingError(
                f"{file} does not exist: this run is not finished. "
                f"Start or resume it with python -m training fit TASK --run {self.path} …"
            )


def _write_whole(file: Path, text: str) -> None:
    with written_whole(file) as partial:
        partial.write_text(text, "utf-8")
