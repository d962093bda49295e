"""Reader for archives of ready feature grids."""

from pathlib import Path
from zipfile import is_zipfile

import numpy as np

from training.data.labels import canonical_label, one_spelling
from training.data.readers.clips import FILE_GROUP, LabelledClip, StoredGrid
from training.errors import TrainingError


def read_stored_grids(path: Path, task: str) -> list[LabelledClip]:
    """Read an ``.npz`` with ``mel`` [clips, bands, columns], ``name`` and the task's labels.

    ``group`` and ``split`` are used where they are there.
    """
    if not is_zipfile(path):
        raise TrainingError(f"{path} is no .npz archive.")
    with np.load(path, allow_pickle=False) as archive:
        missing = [key for key in ("mel", "name", task) if key not in archive]
        if missing:
            raise TrainingError(
                f"{path} has no array {' or '.join(missing)}; it has {', '.join(archive)}."
            )
        names = [str(name) for name in archive["name"]]
        labels = [str(label) for label in archive[task]]
        groups = (
            archive["group"] if "group" in archive else [f"{FILE_GROUP}{name}" for name in names]
        )
        splits = archive["split"] if "split" in archive else ["extra"] * len(names)
    clips = []
    for index, (name, word) in enumerate(zip(names, labels, strict=True)):
        label = canonical_label(task, word)
        if label is not None:
            source = StoredGrid(path, index, name)
            group, split = one_spelling(str(groups[index])), str(splits[index])
            clips.append(LabelledClip(source, label, path.stem.removesuffix("_mel"), group, split))
    return clips
