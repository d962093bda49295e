"""Write the chords of each file over time as a ``.lab`` file, in a folder of their own."""

import os
from collections.abc import Mapping
from pathlib import Path

from service.files import written_whole
from service.inference.timeline import lab_line
from service.library.listing import whole_way
from service.library.problems import LibraryError
from service.library.question import Models
from service.library.state import Row, State
from service.schemas import TimelineSegment


def lab_task(models: Models) -> str:
    """Return the task whose timeline has a ``.lab`` form.

    Raises
    ------
    LibraryError
        There is none among the tasks.
    """
    for task, model in models.items():
        if model.lab_labels is not None:
            return task
    raise LibraryError("None of the tasks has a .lab form; --chords needs the task chord.")


class LabFolder:
    """Writes ``.lab`` files into a folder that mirrors the library's.

    Parameters
    ----------
    folder
        Where to; made if there is none.
    models
        Of the run.
    state
        Tells whether two files would have the same name there: these keep their endings, or of
        the same path below two folders the whole of it.
    """

    def __init__(self, folder: Path, models: Models, state: State) -> None:
        self._task = lab_task(models)
        model = models[self._task]
        self._names = dict(zip(model.labels, model.lab_labels or [], strict=False))
        self._folder = folder
        self._state = state

    def write(self, row: Row) -> None:
        """Write one file's, if it has an answer.

        Raises
        ------
        LibraryError
            It cannot be written.
        """
        if row.answers is None:
            return
        segments = row.answers.results[self._task].timeline or []
        shared = self._state.shares_name(row.relative)
        # Whatever .. there may be in it, it does not lead out of the folder.
        below = os.path.normpath(os.sep + (whole_way(row.file) if shared else row.relative))
        relative = Path(below.lstrip(os.sep))
        ending = f"{relative.suffix}.lab" if self._state.shares_stem(row.relative) else ".lab"
        path = self._folder / relative.with_suffix(ending)
        try:
            # The longest name that there may be leaves no room for a longer one.
            with written_whole(path, path.with_name(".part")) as beside:
                beside.write_text(lab(segments, self._names), "utf-8")
        except OSError as error:
            raise LibraryError(f"{path} cannot be written: {error.strerror}.") from error


def lab(segments: list[TimelineSegment], names: Mapping[str, str]) -> str:
    """Return segments as the API's ``format=lab`` writes them."""
    return "".join(
        lab_line(s.start_s, s.end_s, names[s.label], None if s.bass is None else s.bass.degree)
        for s in segments
    )
