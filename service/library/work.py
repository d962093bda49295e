"""What a Dask worker does with a file: read, hash, decode and classify it.

Each process loads the bundles once, and decodes in a process beside it, as the service does, so
that a file that crashes or hangs its decoder costs no more than its own answer.
"""

import atexit
import hashlib
import logging
import threading
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from service.answers import audio_info, task_results
from service.audio.decode import Limits
from service.deadline import Deadline
from service.decoding.grids import decode_grids
from service.decoding.pool import START_S, DecoderPool
from service.errors import BundleError, ServiceError, TooManySeconds
from service.inference.bundle import Bundle
from service.inference.bundle_files import MODEL_FILE
from service.inference.classification import classify_grids
from service.inference.timings import Timings
from service.library.problems import LibraryError
from service.library.question import Outcome, Question
from service.library.reading import read, sha256_of
from service.schemas import AllAnswers

logger = logging.getLogger(__name__)

# Far beyond what the longest file takes that is allowed by default.
DECODE_S = 120.0

_thread = threading.local()


@dataclass(frozen=True)
class Bundles:
    """Which bundles a worker must answer with.

    Attributes
    ----------
    folder
        Where they lie, for the command and for every worker.
    models
        The hash of each task's network, by task, as the command found it.
    """

    folder: str
    models: tuple[tuple[str, str], ...]


def hash_file(file: str) -> Outcome:
    """Return the hash of a file's content."""
    try:
        return Outcome(file, sha256_of(file))
    except ServiceError as error:
        return _problem(file, None, error)


def classify_file(file: str, question: Question, bundles: Bundles) -> Outcome:
    """Return what the bundles say about a file, or the problem with it.

    Raises
    ------
    LibraryError
        The bundles of this worker are not those of the command.
    """
    loaded = _loaded(bundles)
    sha256 = None
    try:
        data = read(file, question.max_bytes)
        sha256 = hashlib.sha256(data).hexdigest()
        return Outcome(file, sha256, _answers(data, question, loaded))
    except TooManySeconds:
        return _problem(file, sha256, _too_long(question))
    except ServiceError as error:
        return _problem(file, sha256, error)
    except Exception as error:  # whatever it is, the other files must still be classified
        logger.exception("%s cannot be classified", file)
        unforeseen = ServiceError(f"The file cannot be classified: {type(error).__name__}: {error}")
        return _problem(file, sha256, unforeseen)


def _answers(data: bytes, question: Question, bundles: dict[str, Bundle]) -> AllAnswers:
    limits = Limits(max_duration_s=question.max_duration_s)
    within, timings = Deadline.within(DECODE_S), Timings()
    clip, grids = decode_grids(
        _decoders(), data, bundles.values(), limits, within, timings, question.excerpt
    )
    answers = classify_grids(clip, grids, bundles, timings, timeline=question.timeline)
    return AllAnswers(
        audio=audio_info(clip, question.excerpt, answers.values()),
        results=task_results(
            answers,
            top_k=question.top_k,
            start_s=question.start_s,
            embedding=question.embedding,
        ),
    )


def _too_long(question: Question) -> TooManySeconds:
    """Tell it with the options of the command, which are not those of a request."""
    return TooManySeconds(
        f"The file plays longer than {question.max_duration_s:g} s. Allow more with "
        "--max-duration-s, or choose a part with --start-s and --duration-s."
    )


def _problem(file: str, sha256: str | None, error: ServiceError) -> Outcome:
    return Outcome(file, sha256, slug=error.slug(), detail=error.detail)


@lru_cache(maxsize=1)
def _loaded(wanted: Bundles) -> dict[str, Bundle]:
    folder = Path(wanted.folder)
    try:
        bundles = {task: Bundle.load(folder / task) for task, _ in wanted.models}
    except BundleError as error:
        raise LibraryError(f"The models in {folder} cannot answer: {error}.") from error
    for task, sha256 in wanted.models:
        if bundles[task].card.sha256[MODEL_FILE] != sha256:
            raise LibraryError(
                f"A worker found another {task} model in {wanted.folder} than the command. Give "
                "all of them the same models, and begin again."
            )
    return bundles


def _decoders() -> DecoderPool:
    """Return the decoder of this thread, as a worker of a cluster may have several."""
    decoders: DecoderPool | None = getattr(_thread, "decoders", None)
    if decoders is None:
        decoders = _thread.decoders = DecoderPool(1)
        decoders.start()
        decoders.wait_until_ready(Deadline.within(START_S))
        atexit.register(decoders.close)
    return decoders
