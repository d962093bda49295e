"""What a client would get as a ``.lab`` file, as tools that read such files see it."""

import io
import warnings

import mir_eval

from service.audio.decode import Clip
from service.inference.bundle import Bundle
from service.inference.classification import Classification, classify
from service.inference.timeline import lab
from training.data.annotation import Annotation
from training.errors import TrainingError


def ask(bundle: Bundle, clip: Clip) -> Classification:
    """Let the service's own functions answer about a clip over time."""
    return classify(clip, {bundle.card.task: bundle}, timeline=True)[bundle.card.task]


def lab_annotation(answer: Classification) -> Annotation:
    """Return an answer as its ``.lab`` file tells it.

    Raises
    ------
    TrainingError
        The bundle has no ``.lab`` form.
    """
    card = answer.bundle.card
    if card.lab_labels is None:
        raise TrainingError(f"The bundle {card.task} has no .lab form.")
    return read_lab(lab(answer.timeline or [], card.lab_labels))


def read_lab(text: str) -> Annotation:
    """Read a ``.lab`` file as mir_eval does, which warns of an empty one."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Annotation(*mir_eval.io.load_labeled_intervals(io.StringIO(text)))
