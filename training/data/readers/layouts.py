"""Recognise the layout of a data set and hand it to its reader."""

from collections.abc import Callable, Sequence
from pathlib import Path

from training.data.labels import TASKS, some_of
from training.data.readers.clips import LabelledClip
from training.data.readers.folders import (
    is_chord_folder,
    read_chord_folder,
    read_gtzan_audio,
    read_gtzan_images,
    read_label_folders,
)
from training.data.readers.manifest import EMOTION_LIST, read_emotion_list, read_manifest
from training.data.readers.statistics import is_statistics, read_statistics
from training.data.readers.stored_grids import read_stored_grids
from training.errors import TrainingError

GRID_ARCHIVE = "gtzan_mel.npz"


def read_data_set(
    path: Path, task: str, *, pictures: bool = False, as_written: bool = False
) -> list[LabelledClip]:
    """Read all clips of a data set that carry a label of the task.

    Parameters
    ----------
    path
        A file or a folder.
    task
        Whose labels to read.
    pictures
        Whether a folder that lists audio and has the grids of GTZAN's pictures beside it
        is read with them: then GTZAN comes as grids, and not as audio.
    as_written
        Whether every word is a label, also those that are not of the task's vocabulary. It is
        so for tasks without one.

    Raises
    ------
    TrainingError
        The path does not exist, its layout is unknown, or it holds no such clip.
    """
    if not path.exists():
        raise TrainingError(f"{path} does not exist.")
    if as_written or task not in TASKS:
        clips = _read_own(path, task)
    else:
        clips = _read_folder(path, task, pictures) if path.is_dir() else _read_file(path, task)
    if not clips:
        raise TrainingError(f"{path} holds no clip with a label of {task}.")
    return clips


def read_data_sets(
    paths: Sequence[Path], task: str, *, pictures: bool = False, as_written: bool = False
) -> list[LabelledClip]:
    """Read several data sets, one after the other; see :func:`read_data_set`."""
    return [
        clip
        for path in paths
        for clip in read_data_set(path, task, pictures=pictures, as_written=as_written)
    ]


def _read_own(path: Path, task: str) -> list[LabelledClip]:
    """Read labels of no known vocabulary, which only a list or the names of folders can give."""
    if not path.is_dir():
        return read_manifest(path, task, as_written=True)
    manifest = path / f"{task}.csv"
    if manifest.exists():
        return read_manifest(manifest, task, as_written=True)
    clips = read_label_folders(path, task, as_written=True)
    if clips:
        return clips
    raise TrainingError(
        f"{path} holds neither {task}.csv nor folders of audio named after their label, such as "
        f"{path}/LABEL/clip.wav."
    )


def _read_file(path: Path, task: str) -> list[LabelledClip]:
    if path.suffix == ".npz":
        return read_stored_grids(path, task)
    if path.name == EMOTION_LIST and task == "emotion":
        return read_emotion_list(path)
    if path.suffix == ".csv" and task == "genre" and is_statistics(path):
        return read_statistics(path)
    if path.suffix == ".csv":
        return read_manifest(path, task)
    raise TrainingError(f"{path} is neither a .csv, nor a .npz, nor a folder.")


def _read_folder(path: Path, task: str, pictures: bool) -> list[LabelledClip]:
    for name, reader in _layouts(path, task, pictures):
        if name.exists():
            return reader(name)
    if task == "chord" and is_chord_folder(path):
        return read_chord_folder(path)
    clips = read_label_folders(path, task)
    if clips:
        return clips
    others = sorted({clip.label for clip in read_label_folders(path, task, as_written=True)})
    named = f", and its folders are named {some_of(others)}, not {some_of(TASKS[task])}"
    raise TrainingError(
        f"The layout of {path} is unknown for the task {task}{named if others else ''}. Give a CSV "
        f"with the columns 'file' and '{task}', an .npz of grids, or a data set folder as it is "
        "published; python -m training prepare --help lists them. Labels of your own are learned "
        "by fit with --labels-from-data, or as a task of any other name."
    )


def _layouts(
    path: Path, task: str, pictures: bool
) -> list[tuple[Path, Callable[[Path], list[LabelledClip]]]]:
    """Return, in order of preference, what a folder may hold and who reads it."""
    layouts: list[tuple[Path, Callable[[Path], list[LabelledClip]]]] = [
        (path / f"{task}.csv", lambda csv: _read_collection(csv, task, pictures))
    ]
    if task == "genre":
        layouts += [
            (path / GRID_ARCHIVE, lambda archive: read_stored_grids(archive, task)),
            (path / "genres_original", read_gtzan_audio),
            (path / "images_original", read_gtzan_images),
            (path / "blues" / "blues.00000.wav", lambda wav: read_gtzan_audio(wav.parents[1])),
            (path / "blues" / "blues00000.png", lambda png: read_gtzan_images(png.parents[1])),
        ]
    if task == "emotion":
        layouts.append((path / EMOTION_LIST, read_emotion_list))
    return layouts


def _read_collection(manifest: Path, task: str, pictures: bool) -> list[LabelledClip]:
    """Read a manifest, if wanted together with the grids beside it.

    A clip that is in both is then taken once, as a grid: the grids are the whole data set
    in one form, the audio of a part of it would be a second copy.
    """
    clips = read_manifest(manifest, task)
    archive = manifest.parent / GRID_ARCHIVE
    if task != "genre" or not pictures or not archive.exists():
        return clips
    grids = read_stored_grids(archive, task)
    stored = {Path(clip.source.name.rpartition(":")[2]).name for clip in grids}
    return grids + [c for c in clips if Path(c.source.name).stem not in stored]
