"""Reader for archives of ready feature grids."""

from collections.abc import Mapping
from pathlib import Path
from zipfile import is_zipfile

import numpy as np
from numpy.typing import NDArray

from training.data.labels import canonical_label, one_spelling
from training.data.readers.clips import (
    FILE_GROUP,
    LabelledClip,
    StoredGrid,
    known_split,
    load_levels,
)
from training.errors import TrainingError


def read_stored_grids(path: Path, task: str) -> list[LabelledClip]:
    """Read an ``.npz`` with ``mel`` [clips, bands, columns], ``name`` and the task's labels.

    ``group`` and ``split`` are used where they are there.

    Raises
    ------
    TrainingError
        An array is missing, or not what it should be.
    """
    if not is_zipfile(path):
        raise TrainingError(f"{path} is no .npz archive.")
    with np.load(path, allow_pickle=False) as archive:
        missing = [key for key in ("mel", "name", task) if key not in archive]
        if missing:
            raise TrainingError(
                f"{path} has no array {' or '.join(missing)}; it has {', '.join(archive)}."
            )
        words = {
            key: _words(path, archive, key)
            for key in ("name", task, "group", "split")
            if key in archive
        }
    counts = {"mel": len(load_levels(path)), **{key: len(said) for key, said in words.items()}}
    if len(set(counts.values())) > 1:
        told = ", ".join(f"{n} {key}" for key, n in counts.items())
        raise TrainingError(f"{path} holds {told}; give one of each to each clip.")
    names = words["name"]
    groups = words.get("group") or [f"{FILE_GROUP}{name}" for name in names]
    splits = words.get("split") or ["extra"] * len(names)
    clips = []
    for index, word in enumerate(words[task]):
        label = canonical_label(task, word)
        if label is not None:
            source = StoredGrid(path, index, names[index])
            group, split = one_spelling(groups[index]), known_split(path, splits[index])
            clips.append(LabelledClip(source, label, path.stem.removesuffix("_mel"), group, split))
    return clips


def _words(path: Path, archive: Mapping[str, NDArray[np.generic]], key: str) -> list[str]:
    try:
        return [str(word) for word in archive[key]]
    except ValueError as error:  # objects, which could be code as well
        raise TrainingError(
            f"{path} holds {key!r} in a form that is not read; save it as np.array(words, str)."
        ) from error
