"""What is held out from the systems: folds of artists, whole data sets, the GTZAN list."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from training.comparison.systems import TASKS
from training.data.readers import (
    AudioFile,
    LabelledClip,
    SpectrogramImage,
    StoredGrid,
    read_data_sets,
)
from training.data.splits import Fold, group_fold_plan, leave_one_data_set_out
from training.errors import TrainingError, UnreadableClip
from training.fitting.run_folder import HELD_BACK_FOLD
from training.recipes import GENRE

logger = logging.getLogger(__name__)

N_FOLDS = 3
SPLIT_SEED = 0

BY_ARTIST = "by_artist"
ACROSS = "across"
GTZAN_LISTS = "gtzan_lists"
PROTOCOLS = {
    BY_ARTIST: f"Artists and albums are dealt to {N_FOLDS} folds; each clip was judged by a "
    "network that learned from the other folds, so from no clip of its artist or album.",
    ACROSS: "Each data set was judged by a network that learned from the other sets, without "
    "their clips of its artists and albums.",
    GTZAN_LISTS: "Trained on the pictures of the fault-filtered GTZAN training list, without "
    "artists who stand on both lists, and judged on the pictures of its validation list.",
}


@dataclass(frozen=True)
class Exam:
    """Clips, and which of them to hold out in turn; the same for every system.

    Attributes
    ----------
    name
        One of ``PROTOCOLS``, which say what it asks.
    clips
        All clips that may be learned from or judged.
    folds
        What to hold out; a network for each.
    """

    name: str
    clips: list[LabelledClip]
    folds: list[Fold]


def by_artist(task: str, data: Sequence[Path], n_folds: int) -> Exam:
    """Hold out the first of ``N_FOLDS`` folds of artists and albums, or more of them.

    Raises
    ------
    TrainingError
        The data hold no audio, or all of it is of one artist.
    """
    clips = _audio_clips(task, data)
    folds = group_fold_plan(clips, n_folds=N_FOLDS, split=None, seed=SPLIT_SEED)
    if len(folds) < 2:
        raise TrainingError(
            "All clips are of one group, so nothing can be held out. Name the artists in the "
            "column 'group'."
        )
    return Exam(BY_ARTIST, clips, folds[:n_folds])


def across_data_sets(exam: Exam) -> Exam:
    """Hold out each data set of an exam in turn.

    Raises
    ------
    TrainingError
        There is only one data set.
    """
    names = {clip.data_set for clip in exam.clips}
    if len(names) < 2:
        raise TrainingError(
            f"--across holds out each data set in turn, but there is only {', '.join(names)}. "
            "Name the data sets in the column 'dataset', or leave --across out."
        )
    return Exam(ACROSS, exam.clips, leave_one_data_set_out(exam.clips))


def gtzan_lists(data: Sequence[Path]) -> Exam | None:
    """Hold out the fault-filtered validation list of the GTZAN pictures, if there are any."""
    clips = [
        clip
        for clip in read_data_sets(data, GENRE.task, pictures=True)
        if isinstance(clip.source, StoredGrid | SpectrogramImage)
    ]
    clips = _usable(GENRE.task, clips)
    test = [i for i, clip in enumerate(clips) if clip.split == "valid"]
    if not test:
        return None
    groups = frozenset(clip.group for clip in clips if clip.split in GENRE.validation.held_back)
    return Exam(GTZAN_LISTS, clips, [Fold(HELD_BACK_FOLD, test, groups)])


def _audio_clips(task: str, data: Sequence[Path]) -> list[LabelledClip]:
    found = read_data_sets(data, task)
    clips = _usable(task, [clip for clip in found if isinstance(clip.source, AudioFile)])
    if not clips:
        raise TrainingError(
            f"--data holds no readable audio with a {task} label, and the features are computed "
            f"from audio. Give a CSV with the columns 'file' and '{task}', or a folder that holds "
            f"one as {task}.csv."
        )
    return clips


def _usable(task: str, clips: Sequence[LabelledClip]) -> list[LabelledClip]:
    usable = []
    for clip in clips:
        if clip.split in TASKS[task].validation.left_out:
            continue
        try:
            clip.source.content_key()
        except UnreadableClip as error:
            logger.warning("skipped %s: %s", clip.source.name, error)
        else:
            usable.append(clip)
    return usable
