"""Score the key that is told of a recording, as MIREX and mir_eval do."""

import mir_eval

from service.inference.key import Key
from training.data.annotation import Annotation
from training.progressions.scores import Score

# As JAMS (key_mode) and data sets write the two modes.
_MODES = {
    "maj": "major", "major": "major", "ionian": "major",
    "min": "minor", "minor": "minor", "aeolian": "minor",
}  # fmt: skip


def score_key(truth: Annotation | None, told: Key | None) -> dict[str, Score]:
    """Return the figure ``key`` of one recording; none where its key is not known.

    The true key is the one that holds longest. The right one scores 1, a fifth above it 0.5, its
    relative 0.3, its parallel 0.2, any other 0, and so does none.
    """
    true = None if truth is None or not truth.labels else _as_mir_eval_writes(truth.longest())
    if true is None:
        return {}
    value = 0.0 if told is None else mir_eval.key.weighted_score(true, told.label)
    return {"key": Score(value)}


def _as_mir_eval_writes(key: str) -> str | None:
    """Return a key such as ``A:min`` as ``A minor``; None for one that is neither."""
    tonic, _, mode = key.partition(":")
    if tonic.lower() not in mir_eval.key.KEY_TO_SEMITONE or mode not in _MODES:
        return None
    return f"{tonic} {_MODES[mode]}"
