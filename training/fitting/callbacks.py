"""What follows the training of a network: its batches, its best weights, its progress bar."""

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from service.files import written_whole
from training.fitting.batches import WindowBatches


class FollowEpoch(keras.callbacks.Callback):  # type: ignore[misc]  # keras has no types
    """Tell the batches which epoch it is, also after training was resumed."""

    def __init__(self, batches: WindowBatches) -> None:
        super().__init__()
        self._batches = batches

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        """Tell them."""
        self._batches.epoch = epoch


class KeepBest(keras.callbacks.EarlyStopping):  # type: ignore[misc]  # keras has no types
    """Early stop whose losses, patience and best weights outlive an interruption.

    Without patience it never stops and only remembers the losses.
    """

    def __init__(self, file: Path, patience: int | None) -> None:
        super().__init__(patience=patience or 0, restore_best_weights=True, start_from_epoch=3)
        self._file = file
        self._watches = patience is not None
        self.history: dict[str, list[float]] = {}

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Go on from what was kept."""
        super().on_train_begin(logs)
        if self._file.exists():
            with np.load(self._file, allow_pickle=False) as kept:
                state = json.loads(str(kept["state"]))
                weights = [kept[f"arr_{i}"] for i in range(len(kept) - 1)]
            self.history, self.best, self.wait = state["history"], state["best"], state["wait"]
            self.best_weights = weights or None

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Stop if it is time; keep what is known so far."""
        if self._watches:
            super().on_epoch_end(epoch, logs)
        for name, loss in (logs or {}).items():
            self.history[name] = [*self.history.get(name, [])[:epoch], float(loss)]
        best = None if self.best is None else float(self.best)
        state = json.dumps({"history": self.history, "best": best, "wait": self.wait})
        _save_whole(self._file, *(self.best_weights or ()), state=state)


class KeepState(keras.callbacks.Callback):  # type: ignore[misc]  # keras has no types
    """Keep the network and its optimizer after each epoch, to go on from after an interruption.

    The file is whole at every moment. What Keras's own backup leaves of a write that a full disk
    or a kill ended cannot be read again.

    Parameters
    ----------
    file
        Where they are kept.
    """

    def __init__(self, file: Path) -> None:
        super().__init__()
        self._file = file

    def restore(self, network: keras.Model) -> int:
        """Bring back what was kept of a network; return how many epochs it has learned for."""
        if not self._file.exists():
            return 0
        with np.load(self._file, allow_pickle=False) as kept:
            for number, variable in enumerate(_variables(network)):
                variable.assign(kept[f"arr_{number}"])
            return int(kept["epochs"])

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        """Keep them."""
        state = [np.asarray(variable) for variable in _variables(self.model)]
        _save_whole(self._file, *state, epochs=epoch + 1)


class ProgressBar(keras.callbacks.Callback):  # type: ignore[misc]  # keras has no types
    """Show epochs, losses and the time left."""

    def __init__(self, epochs: int, description: str) -> None:
        super().__init__()
        self._bar = tqdm(total=epochs, desc=description, unit="epoch")

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Show how far it is."""
        self._bar.n = epoch + 1
        self._bar.set_postfix({k: f"{v:.3f}" for k, v in (logs or {}).items()})

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        """Leave the bar as it is."""
        self._bar.close()


def _variables(network: keras.Model) -> list[keras.Variable]:
    """Return all that training changes, the seeds of dropout among it."""
    return [*network.variables, *network.optimizer.variables]


def _save_whole(file: Path, *arrays: NDArray[Any], **named: Any) -> None:
    """Save arrays so that the file is the old one or the new one, never a part of it."""
    with written_whole(file) as partial, partial.open("wb") as opened:
        np.savez(opened, *arrays, **named)
