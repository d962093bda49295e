"""The steps from recordings to a student that a recipe can use, each of which resumes."""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras

from training.errors import TrainingError
from training.listener import gathering, lessons, packages
from training.listener import report as reports
from training.listener.keeping import in_whole_numbers, listener_of
from training.listener.lessons import Classroom, Windows
from training.listener.mixing import Mixer
from training.listener.noises import NO_NOISES, recorded_noises
from training.listener.recordings import SPEECH, Recording, Shelf, total_h
from training.listener.scales import explained_variance
from training.listener.study import EXAMS_FILE, STUDENT_FILE, Plan, ask, finished, study
from training.listener.teachers import Mn04, Musicnn
from training.listener.wear import Wear
from training.networks import listener

logger = logging.getLogger(__name__)

EXAM_PARTS = 3
LESSON_SEED, EXAM_SEED, WORN_EXAM_SEED = 5, 6, 7


@dataclass(frozen=True)
class ListenFolder:
    """Where everything of one student lies."""

    path: Path

    @property
    def packages(self) -> Path:
        """Unpacked packages."""
        return self.path / "packages"

    @property
    def shelf(self) -> Path:
        """Decoded recordings."""
        return self.path / "shelf"

    @property
    def lessons(self) -> Path:
        """What is studied."""
        return self.path / "lessons"

    @property
    def exam(self) -> Path:
        """What is asked about, of groups that are never studied."""
        return self.path / "exam"

    @property
    def worn_exam(self) -> Path:
        """The like, of what went through rooms and codecs."""
        return self.path / "worn_exam"

    @property
    def study(self) -> Path:
        """The student at work, and at last finished."""
        return self.path / "study"

    @property
    def student(self) -> Path:
        """The finished student."""
        return self.study / STUDENT_FILE

    @property
    def exams(self) -> Path:
        """What it knew after each round."""
        return self.study / EXAMS_FILE

    @property
    def worn_figures(self) -> Path:
        """What it knows at last of what went through rooms and codecs."""
        return self.study / "worn_exam.json"


def gather(
    folder: ListenFolder,
    data: list[Path],
    speech: list[Path],
    songs: Sequence[Path] = (),
    *,
    fetch: bool,
) -> None:
    """Fetch the packages if asked to, and decode all there is to listen to.

    Raises
    ------
    TrainingError
        There is nothing to listen to.
    """
    missing = packages.fetch(folder.packages) if fetch else []
    if missing:
        logger.warning("without %s, which could not be fetched", ", ".join(missing))
    found = gathering.sounds(data, folder.packages if fetch else None, speech, songs)
    if not found:
        raise TrainingError(
            "There is nothing to listen to. Name folders with genre.csv and the like by --data, "
            "recordings by --speech or --songs, or fetch music with --packages."
        )
    shelf = Shelf.fill(folder.shelf, gathering.shown(found))
    studied, examined = _dealt(shelf)
    for name, recordings in (("to study", studied), ("for the exam", examined)):
        logger.info("%s: %d recordings, %.1f h", name, len(recordings), total_h(recordings))


def prepare(folder: ListenFolder, teachers: Path, parts: range, wear: Wear | None = None) -> None:
    """Make lessons, and exams if there are none yet, by asking the teachers.

    Parameters
    ----------
    folder
        Holds the shelf.
    teachers
        Holds mn04.
    parts
        Which lessons to make.
    wear
        What lessons go through; they are examined by mixtures that did and by some that did not.
    """
    mn04 = Mn04(teachers)
    shelf = Shelf(folder.shelf)
    classroom = Classroom(mn04, Musicnn(folder.path / "teachers"))
    studied, examined = _dealt(shelf)
    if examined:
        exam = range(EXAM_PARTS)
        lessons.prepare(classroom, Mixer(shelf, examined), folder.exam, exam, EXAM_SEED)
        if wear:
            mixer = Mixer(shelf, examined, wear)
            lessons.prepare(classroom, mixer, folder.worn_exam, exam, WORN_EXAM_SEED)
    lessons.prepare(classroom, Mixer(shelf, studied, wear), folder.lessons, parts, LESSON_SEED)


def learn(folder: ListenFolder, plan: Plan, start: Path | None = None) -> None:
    """Let a student study, then keep what it has become where recipes find it.

    Parameters
    ----------
    folder
        Holds lessons and exam.
    plan
        How long.
    start
        A finished student that goes on; without, a new one begins.
    """
    begun = None if start is None else finished(start)
    noises = _noises(folder)
    taught, exam = lessons.load(folder.lessons), lessons.load(folder.exam)
    worn = lessons.load(folder.worn_exam) if folder.worn_exam.is_dir() else None
    logger.info("%d windows to study, %d for the exam", len(taught.windows), len(exam.windows))
    student = study(taught, exam, plan, folder.study, listener.Size(), begun)
    _keep(student, taught, noises, plan.seed)
    last = json.loads(folder.exams.read_text("ascii"))[-1]
    _tell("groups that were not studied", last)
    if worn is not None:
        figures = explained_variance(ask(student, worn.windows), worn.targets)
        folder.worn_figures.write_text(json.dumps(figures, indent=1), "ascii")
        _tell("the same through rooms and codecs", figures)


def keep(folder: ListenFolder, seed: int) -> None:
    """Make a listener of the finished student, in whole numbers, where recipes find it."""
    student = finished(folder.student)
    _keep(student, lessons.load(folder.lessons), _noises(folder), seed)


def report(folder: ListenFolder, data: list[Path], out: Path | None) -> list[str]:
    """Compare the student with MSD_musicnn on labelled clips; return the figures in words."""
    student = listener.hearing(finished(folder.student))
    listeners = {
        "student": student.predict_on_batch,
        "MSD_musicnn": Musicnn(folder.path / "teachers").ask,
    }
    known = reports.knowledge(data, listeners)
    reports.write(folder.exams, known, out or folder.path / "report.json")
    return [one.summary() for one in known]


def _noises(folder: ListenFolder) -> Windows:
    """Return what was gathered of recorded noises, and warn where that is nothing."""
    noises = recorded_noises(folder.shelf) if folder.shelf.is_dir() else NO_NOISES
    if not len(noises):
        logger.warning(
            "no recorded noise to tell from music by: gather with --packages, which hold some"
        )
    return noises


def _tell(of: str, figures: Mapping[str, float]) -> None:
    shares = ", ".join(f"{name} {figures[name]:.3f}" for name in lessons.TARGETS)
    logger.info("explained variance on %s: %s", of, shares)


def _keep(student: keras.Model, taught: lessons.Lessons, noises: Windows, seed: int) -> None:
    heard = listener_of(student, taught, seed, noises)
    listener.keep(in_whole_numbers(heard, taught, seed))


def _dealt(shelf: Shelf) -> tuple[list[Recording], list[Recording]]:
    """Deal recordings to study and exam; a package has no artists, so all of it is studied."""
    held_out = {
        recording.name
        for recording in shelf.recordings
        if (recording.kind == SPEECH or not recording.group.startswith("package:"))
        and gathering.is_held_out(recording.group)
    }
    studied = [one for one in shelf.recordings if one.name not in held_out]
    return studied, [one for one in shelf.recordings if one.name in held_out]
