"""Say one thing of a whole clip in which labels follow each other: what sounds longest.

The mean over all windows is no answer where much of a clip is silence, or where one chord
follows another. The timeline tells when nothing sounds, and how long each label does; the label
of the whole is the one that sounds longest, each second weighted by how sure it is.

Where a single label sounds, its probabilities come from the long windows, as the network was
calibrated: each as far as it lies where the label sounds. A clip that holds nothing else is
answered as the mean of its windows. Where these would name it otherwise than the timeline does,
both count alike, and the timeline is named after the whole.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from service.inference.softmax import Probabilities
from service.inference.timeline import LabelledSegment
from service.inference.windows import Segment

# The label of a stretch in which nothing sounds, in Harte's notation of chords too.
NOTHING = "N"

Calibrate = Callable[[NDArray[np.floating]], Probabilities]


@dataclass(frozen=True)
class LabelShare:
    """How much of the time a label sounds.

    Attributes
    ----------
    label
        Index of the label.
    share
        Of the clip's duration, from 0 to 1.
    """

    label: int
    share: float


def label_shares(timeline: Sequence[LabelledSegment]) -> list[LabelShare]:
    """Return the share of the time of each label in a timeline, most first; they sum to 1."""
    durations_s: dict[int, float] = {}
    for labelled in timeline:
        durations_s[labelled.label] = durations_s.get(labelled.label, 0) + labelled.segment.length_s
    total_s = sum(durations_s.values())
    shares = [LabelShare(label, seconds / total_s) for label, seconds in durations_s.items()]
    return sorted(shares, key=lambda s: s.share, reverse=True)


@dataclass(frozen=True)
class Whole:
    """What is said of a whole clip, and over time, which agree.

    Attributes
    ----------
    probabilities
        Of the labels, shape [labels]; the highest is that of what sounds longest.
    timeline
        What sounds when; of a clip of one label, the one that the probabilities name.
    """

    probabilities: Probabilities
    timeline: list[LabelledSegment]


def say_of_the_whole(
    timeline: Sequence[LabelledSegment],
    nothing: int | None,
    windows: Sequence[Segment],
    window_logits: Callable[[], NDArray[np.floating]],
    calibrate: Calibrate,
) -> Whole:
    """Say what a whole clip is, and bring its timeline into agreement with that.

    Parameters
    ----------
    timeline
        What sounds when.
    nothing
        Index of the label of silence, which counts only where there is no other; None where the
        labels have none.
    windows
        Which stretch each of the clip's windows hears.
    window_logits
        Asks what the network says of them, shape [n_windows, labels]; called only if need be.
    calibrate
        Makes probabilities of logits.
    """
    probabilities = _probabilities(timeline, nothing, windows, window_logits, calibrate)
    return Whole(probabilities, _named_after(probabilities, timeline, nothing))


def _probabilities(
    timeline: Sequence[LabelledSegment],
    nothing: int | None,
    windows: Sequence[Segment],
    window_logits: Callable[[], NDArray[np.floating]],
    calibrate: Calibrate,
) -> Probabilities:
    """Return probabilities of which the highest is that of what sounds longest.

    Of a clip of one label it may be another one's, after which the timeline is then named.
    """
    sounding = [s for s in timeline if s.label != nothing] or list(timeline)
    n_labels = len(timeline[0].probabilities)
    durations_s = np.array([s.segment.length_s for s in sounding])
    labels = np.array([s.label for s in sounding])
    sure = np.array([s.probabilities[s.label] for s in sounding])
    weights = np.bincount(labels, durations_s * sure, n_labels) / durations_s.sum()
    longest = int(weights.argmax())
    mixed: Probabilities = np.average(
        np.stack([s.probabilities for s in sounding]), axis=0, weights=durations_s
    )
    if (labels == longest).all():
        # Squared, so that a window which hears it in part has little to say.
        heard = _shares_within(windows, [s.segment for s in sounding], timeline[-1].segment.end_s)
        alone = calibrate(np.average(window_logits(), axis=0, weights=heard**2))
        if alone.argmax() == longest:
            return alone
        both: Probabilities = (alone + mixed) / 2
        if nothing not in (longest, both.argmax()):
            return both
    if mixed.argmax() == longest:
        return mixed
    # What the segments hold of other labels than their own would outvote it: spread it evenly.
    spread: Probabilities = weights + (1 - weights.sum()) / n_labels
    return spread


def _named_after(
    probabilities: Probabilities, timeline: Sequence[LabelledSegment], nothing: int | None
) -> list[LabelledSegment]:
    """Return a timeline that agrees with what is said of the whole."""
    label = int(probabilities.argmax())
    if label == nothing or len({s.label for s in timeline} - {nothing}) != 1:
        return list(timeline)
    return [
        s if s.label in (nothing, label) else replace(s, label=label, probabilities=probabilities)
        for s in timeline
    ]


def _shares_within(
    windows: Sequence[Segment], segments: Sequence[Segment], end_s: float
) -> NDArray[np.float64]:
    """Return the share of each window, as far as the clip goes, that lies in segments."""
    starts_s, ends_s = np.array([(w.start_s, min(w.end_s, end_s)) for w in windows]).T
    inside_s = np.zeros(len(windows))
    for segment in segments:
        stretch_s = np.minimum(ends_s, segment.end_s) - np.maximum(starts_s, segment.start_s)
        inside_s += np.maximum(stretch_s, 0)
    lengths_s = ends_s - starts_s
    shares = np.zeros(len(windows))
    np.divide(inside_s, lengths_s, out=shares, where=lengths_s > 0)
    return shares
