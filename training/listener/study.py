"""Let the student study the lessons; an interrupted study goes on where it was.

What is examined and kept is the average of its weights over the last steps, see
:mod:`training.listener.averaging`.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from service.files import written_whole
from training.errors import TrainingError
from training.fitting.callbacks import KeepState
from training.fitting.first_step import make_variables
from training.listener.averaging import averaged
from training.listener.lessons import LEVELS, Lessons
from training.listener.scales import Scale, explained_variance
from training.networks.listener import Size, build

Array = NDArray[np.float32]

ASKED_AT_ONCE = 64
STUDENT_FILE = "student.keras"
EXAMS_FILE = "exams.json"
STATE_FILE = "state.npz"

SETTLED_ON = 16
"""Batches of ``ASKED_AT_ONCE`` windows from which normalisations count their statistics."""


@dataclass(frozen=True)
class Plan:
    """How long and how fast to study.

    Attributes
    ----------
    rounds
        After each the student is examined and its state kept.
    steps_each
        Steps of one round.
    batch
        Windows of one step.
    peak_rate
        Highest learning rate; it rises for half a round, then falls along a cosine.
    weight_decay
        Of AdamW.
    averaging
        How much of the average of the weights each step leaves as it was.
    seed
        Seed of the weights and of the order of the lessons.
    """

    rounds: int = 20
    steps_each: int = 2_000
    batch: int = 32
    peak_rate: float = 2e-3
    weight_decay: float = 1e-3
    averaging: float = 0.999
    seed: int = 1


class Timetable(keras.utils.PyDataset):  # type: ignore[misc]  # keras has no types
    """Batches of lessons, each lesson once before any comes again.

    Parameters
    ----------
    windows
        Stored levels, shape [n, 187, 96].
    learned
        What is to be learned of each, shape [n, learned].
    plan
        How many there are.
    start
        The first round.
    """

    def __init__(
        self, windows: NDArray[np.uint8], learned: NDArray[np.float16], plan: Plan, start: int
    ) -> None:
        super().__init__()
        self._windows, self._learned, self._plan, self._round = windows, learned, plan, start

    def __len__(self) -> int:
        """Return how many batches a round has."""
        return self._plan.steps_each

    def __getitem__(self, step: int) -> tuple[Array, Array]:
        """Return a batch: levels [batch, 187, 96], and what is to be learned [batch, learned]."""
        first = (self._round * self._plan.steps_each + step) * self._plan.batch
        n = len(self._windows)
        chosen = [self._order(at // n)[at % n] for at in range(first, first + self._plan.batch)]
        chosen.sort()
        return as_levels(self._windows[chosen]), self._learned[chosen].astype(np.float32)

    def on_epoch_end(self) -> None:
        """Go on with the lessons that are next."""
        self._round += 1

    def _order(self, time: int) -> NDArray[np.int64]:
        if getattr(self, "_time", None) != time:
            rng = np.random.default_rng([self._plan.seed, time])
            self._time, self._drawn = time, rng.permutation(len(self._windows))
        return self._drawn


def study(
    lessons: Lessons,
    exam: Lessons,
    plan: Plan,
    folder: Path,
    size: Size,
    start: keras.Model | None = None,
) -> keras.Model:
    """Train a student, and after each round examine and keep what it has become.

    Parameters
    ----------
    lessons, exam
        What to learn from, and what nobody studied.
    plan
        How long.
    folder
        Keeps ``student.keras`` and ``exams.json``, and the state while it is at work.
    size
        How large the student is.
    start
        A finished student of the same size that goes on; without, a new one begins.

    Returns
    -------
    keras.Model
        From windows to what the teachers say, in their own scales.
    """
    folder.mkdir(parents=True, exist_ok=True)
    keras.utils.set_random_seed(plan.seed)
    scale = Scale.of(lessons.targets)
    network = build(scale.forth.shape[1], size)
    if start is not None:
        _go_on(network, start, scale)
    network.compile(_optimizer(plan), loss="mse", jit_compile=False)
    make_variables(network)
    (folder / "plan.json").write_text(json.dumps(asdict(plan), indent=1), "ascii")
    examiner = _Examiner(exam, scale, folder, _drawn(lessons.windows, plan.seed))
    keeper = KeepState(folder / STATE_FILE)
    done = keeper.restore(network)
    timetable = Timetable(lessons.windows, scale.learned(lessons.targets), plan, done)
    network.fit(
        timetable,
        epochs=plan.rounds,
        initial_epoch=done,
        callbacks=[examiner, keeper],
        shuffle=False,
    )
    (folder / STATE_FILE).unlink(missing_ok=True)
    return finished(folder / STUDENT_FILE)


def finished(file: Path) -> keras.Model:
    """Return a finished student, or raise TrainingError."""
    if not file.is_file():
        raise TrainingError(
            f"{file} is missing: a student is there after the first round of its study "
            "(python -m training listen study)."
        )
    return keras.models.load_model(file, compile=False)


def in_their_words(network: keras.Model, scale: Scale) -> keras.Model:
    """Return a student that says what the teachers would say, not what it learned."""
    learned = network.get_layer("said")
    kernel, bias = learned.get_weights()
    said = keras.layers.Dense(len(scale.mean), dtype="float32", name="said")
    student = keras.Model(network.input, said(learned.input), name="listener")
    said.set_weights([kernel @ scale.back, bias @ scale.back + scale.mean])
    return student


def _go_on(network: keras.Model, start: keras.Model, scale: Scale) -> None:
    """Give a network the weights of a student, which speaks in the teachers' own words."""
    for layer in network.layers:
        if not layer.weights:
            continue
        try:
            weights = start.get_layer(layer.name).get_weights()
            if layer.name == "said":
                kernel, bias = weights
                weights = [kernel @ scale.forth, (bias - scale.mean) @ scale.forth]
            layer.set_weights(weights)
        except ValueError as error:
            raise TrainingError(
                "The student to go on from is of another size. Name one that this version of "
                f"the program has trained, or begin anew: {error}"
            ) from error


def as_levels(windows: NDArray[np.uint8]) -> Array:
    """Return stored windows with levels from 0 to 1."""
    return windows.astype(np.float32) / np.float32(LEVELS)


def ask(network: keras.Model, windows: NDArray[np.uint8]) -> Array:
    """Return what a student, or a part of one, says of stored windows, shape [n, outputs]."""
    return np.concatenate([network.predict_on_batch(batch) for batch in _batches(windows)])


def _batches(windows: NDArray[np.uint8]) -> Iterator[Array]:
    for start in range(0, len(windows), ASKED_AT_ONCE):
        yield as_levels(windows[start : start + ASKED_AT_ONCE])


class _Examiner(keras.callbacks.Callback):  # type: ignore[misc]  # keras has no types
    """After each round keeps the averaged student, and how much of each teacher it explains."""

    def __init__(self, exam: Lessons, scale: Scale, folder: Path, seen: list[Array]) -> None:
        super().__init__()
        self._exam, self._scale, self._folder, self._seen = exam, scale, folder, seen

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        with averaged(self.model, self._seen):
            said = self._scale.values(ask(self.model, self._exam.windows))
            in_their_words(self.model, self._scale).save(self._folder / STUDENT_FILE)
        figures = explained_variance(said, self._exam.targets)
        file = self._folder / EXAMS_FILE
        rows = json.loads(file.read_text("ascii")) if file.exists() else []
        rows = [row for row in rows if row["round"] <= epoch]
        rows.append({"round": epoch + 1, "loss": (logs or {}).get("loss"), **figures})
        with written_whole(file) as partial:
            partial.write_text(json.dumps(rows, indent=1), "ascii")


def _drawn(windows: NDArray[np.uint8], seed: int) -> list[Array]:
    """Return batches of some windows."""
    rng = np.random.default_rng(seed)
    chosen = rng.permutation(len(windows))[: SETTLED_ON * ASKED_AT_ONCE]
    return list(_batches(windows[chosen]))


def _optimizer(plan: Plan) -> keras.optimizers.Optimizer:
    steps, warm = plan.rounds * plan.steps_each, max(1, plan.steps_each // 2)
    rate = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=plan.peak_rate / 100,
        decay_steps=max(1, steps - warm),
        alpha=1e-3,
        warmup_target=plan.peak_rate,
        warmup_steps=warm,
    )
    return keras.optimizers.AdamW(
        rate,
        weight_decay=plan.weight_decay,
        clipnorm=1.0,
        use_ema=True,
        ema_momentum=plan.averaging,
    )
