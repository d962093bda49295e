"""What a list of labelled clips can and cannot tell, said in words before anything is trained."""

from collections import Counter
from collections.abc import Sequence

from training.data.labels import some_of
from training.data.readers import LabelledClip
from training.data.readers.clips import FILE_GROUP, AudioFile
from training.data.splits import groups_by_label
from training.errors import TrainingError

FEW_GROUPS = 8
IMBALANCE = 5


def is_grouped(clips: Sequence[LabelledClip]) -> bool:
    """Tell whether the data name the group (artist, album, player) of every clip."""
    return not any(clip.group.startswith(FILE_GROUP) for clip in clips)


def remarks(clips: Sequence[LabelledClip]) -> list[str]:
    """Return what whoever reads the figures must know of the data, a sentence or two each."""
    groups = {label: len(names) for label, names in groups_by_label(clips).items()}
    count = Counter(clip.label for clip in clips)
    found = []
    ungrouped = sum(clip.group.startswith(FILE_GROUP) for clip in clips)
    if ungrouped:
        found.append(
            f"{ungrouped} of {len(clips)} clips name no group (artist, album, player): what one "
            "artist made may be on both sides of the split, so the figures flatter. Add a column "
            "'group', or put the clips into LABEL/GROUP/."
        )
    alone = [label for label, n in groups.items() if n == 1]
    if alone:
        found.append(
            f"One group only has the label {some_of(alone)}: it cannot be held out and learned at "
            "once, so how well it is told is not measured."
        )
    few = [label for label, n in groups.items() if 1 < n < FEW_GROUPS]
    if few:
        found.append(
            f"Fewer than {FEW_GROUPS} groups have the label {some_of(few)}: its recall rests on a "
            "handful of artists or players; read its interval, not its value."
        )
    (most, n_most), (least, n_least) = count.most_common()[0], count.most_common()[-1]
    if n_most >= IMBALANCE * n_least:
        found.append(
            f"There are {n_most} clips of {most} and {n_least} of {least}: accuracy mostly tells "
            "how well the frequent labels do; look at the balanced accuracy."
        )
    return found


def check_presence(clips: Sequence[LabelledClip]) -> None:
    """Refuse a list of which no file is there: a warning for each would hide the one reason.

    Raises
    ------
    TrainingError
        All clips are audio files, and none of them exists.
    """
    sources = [clip.source for clip in clips]
    if all(isinstance(one, AudioFile) and not one.path.exists() for one in sources):
        raise TrainingError(
            f"None of the {len(sources)} files that the data list is there, such as "
            f"{sources[0].name}. Write them relative to the folder of the list, "
            "with / between folders."
        )


def check_labels(task: str, labels: Sequence[str]) -> None:
    """Refuse labels that nothing can be learned from.

    Raises
    ------
    TrainingError
        There are fewer than two, or two differ only in capitals.
    """
    if len(labels) < 2:
        raise TrainingError(
            f"All clips have the {task} label {', '.join(labels)}; to tell labels apart there must "
            "be two or more."
        )
    spelt = Counter(label.casefold() for label in labels)
    twice = [label for label in labels if spelt[label.casefold()] > 1]
    if twice:
        raise TrainingError(
            f"The {task} labels {', '.join(twice)} differ only in capitals; spell them alike."
        )
