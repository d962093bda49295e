"""What the clips of a run are known by, long after their data were read."""

import os.path
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

ClipKey = tuple[str, str, str]
"""Data set, group, and the name of a clip within its group."""


def clip_keys(clips: Sequence[tuple[str, str, str]]) -> list[ClipKey]:
    """Return what tells clips from each other.

    A clip is called as its file is. Where several files of one group are called alike, the folders
    in which they differ stand before their names.

    Parameters
    ----------
    clips
        Data set, group and path of each.
    """
    alike: dict[ClipKey, set[str]] = defaultdict(set)
    for data_set, group, path in clips:
        alike[data_set, group, Path(path).name].add(str(Path(path).parent.absolute()))
    keys = []
    for data_set, group, path in clips:
        name = Path(path).name
        folders = alike[data_set, group, name]
        if len(folders) > 1:
            name = os.path.relpath(path, os.path.commonpath(folders))
        keys.append((data_set, group, Path(name).as_posix()))
    return keys
