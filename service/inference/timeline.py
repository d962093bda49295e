"""Turn the windows' probabilities into segments of time.

Windows overlap, and one that straddles two chords is sure of neither. Where the card
asks for it, the most probable sequence of labels is found by the Viterbi algorithm
(Rabiner 1989) in a hidden Markov model whose states like to stay, windows of one label
in a row become one segment, and its ends move to where the pitch classes change.
Elsewhere each window is a segment. Of a recording with several labels, those that know songs
decide: :mod:`service.inference.songs`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from service.inference.boundaries import BANDS_PER_SEMITONE, move_boundaries, pitch_classes
from service.inference.features import Grid
from service.inference.onsets import OnsetSpec, Strengths, move_to_onsets
from service.inference.softmax import Probabilities
from service.inference.songs import SongSense, SongSpec
from service.inference.viterbi import staying_path
from service.inference.windows import Segment, WindowSpec


class TimelineSpec(BaseModel):
    """How segments follow each other."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    change_probability: float = Field(
        gt=0, lt=1, description="Chance that the label changes from one window to the next"
    )
    heard_frames: int | None = Field(
        default=None,
        gt=0,
        description="Frames that the timeline's windows hear before they end in silence, so that "
        "fewer straddle two chords; by default all",
    )
    stride_frames: int | None = Field(
        default=None,
        gt=0,
        description="Frames from one of the timeline's windows to the next; by default as far as "
        "between those that the whole is told by",
    )
    bands_per_octave: int | None = Field(
        default=None,
        gt=0,
        multiple_of=BANDS_PER_SEMITONE,
        description="Bands in an octave of the features, to move the ends of segments to where "
        "the pitch classes change; by default they stay halfway between windows",
    )
    retune_beyond_cents: float | None = Field(
        default=None,
        gt=0,
        lt=50,
        description="The features of recordings that are tuned further than this from A = 440 Hz "
        "are moved back by as much, before anything is asked about them; by default none are. "
        "Needs bands_per_octave",
    )
    onsets: OnsetSpec | None = Field(
        default=None,
        description="How finely it is told when something begins, to move the ends of segments "
        "there from where the pitch classes change; by default they stay. Needs bands_per_octave",
    )
    songs: SongSpec | None = Field(
        default=None, description="How songs are heard, with songs.npz; by default like all else"
    )

    def windows(self, of_the_whole: WindowSpec) -> WindowSpec:
        """Return how the timeline's windows lie, where those that the whole is told by lie so."""
        heard_frames = min(self.heard_frames or of_the_whole.frames, of_the_whole.frames)
        stride_frames = self.stride_frames or of_the_whole.stride_frames
        return of_the_whole.model_copy(
            update={"frames": heard_frames, "stride_frames": stride_frames}
        )


@dataclass(frozen=True)
class Bass:
    """The note that a chord stands on, another than its root.

    Attributes
    ----------
    note
        Its name.
    degree
        Which note of the chord it is, in Harte's notation: ``3``, ``b7``, …
    probability
        That the chord, if it is right, stands on this note.
    """

    note: str
    degree: str
    probability: float


@dataclass(frozen=True)
class LabelledSegment:
    """A stretch of time with one label.

    Attributes
    ----------
    segment
        Where it lies.
    label
        Index of the label.
    probabilities
        Mean probabilities of its windows, shape [labels].
    bass
        What the chord stands on; None for its root, or where that is not sure.
    """

    segment: Segment
    label: int
    probabilities: Probabilities
    bass: Bass | None = None


def label_segments(
    segments: list[Segment],
    probabilities: Probabilities,
    spec: TimelineSpec | None,
    songs: SongSense | None = None,
) -> list[LabelledSegment]:
    """Label the windows' segments; with a spec, also join them.

    Parameters
    ----------
    segments
        Where the windows lie.
    probabilities
        What the network says of them, shape [n_windows, labels].
    spec
        How they are joined; None for a segment each.
    songs
        What hears songs; None where there is nothing to.
    """
    if spec is None:
        labels = probabilities.argmax(axis=1)
        return [
            LabelledSegment(s, int(label), p)
            for s, label, p in zip(segments, labels, probabilities, strict=True)
        ]
    path = staying_path(probabilities, spec.change_probability)
    if songs is not None and songs.is_song(path):
        probabilities = songs.heard(probabilities)
        path = songs.path(probabilities)
    changes = np.flatnonzero(np.diff(path)) + 1
    edges = [0, *changes.tolist(), len(path)]
    return [
        LabelledSegment(
            Segment(segments[first].start_s, segments[last - 1].end_s),
            int(path[first]),
            probabilities[first:last].mean(axis=0),
        )
        for first, last in pairwise(edges)
    ]


def move_ends(
    labelled: list[LabelledSegment], grid: Grid, hop_s: float, bands_per_octave: int
) -> list[LabelledSegment]:
    """Move the ends of segments to where the pitch classes of a grid, [frames, bands], change.

    The first still begins and the last still ends where it did.
    """
    if len(labelled) == 1:
        return labelled
    # Frames are centred on multiples of the hop; between two of them lies an end.
    ends = [round(s.segment.end_s / hop_s + 0.5) for s in labelled[:-1]]
    moved = move_boundaries([0, *ends, len(grid)], pitch_classes(grid, bands_per_octave))
    return _with_ends(labelled, [(frame - 0.5) * hop_s for frame in moved[1:-1]])


def end_where_others_begin(
    labelled: list[LabelledSegment], onsets: Strengths, step_s: float
) -> list[LabelledSegment]:
    """Move the ends of segments to where most begins around them.

    The arguments are those of :func:`service.inference.onsets.move_to_onsets`.
    """
    edges_s = [labelled[0].segment.start_s, *(s.segment.end_s for s in labelled)]
    return _with_ends(labelled, move_to_onsets(edges_s, onsets, step_s)[1:-1])


def _with_ends(
    labelled: Sequence[LabelledSegment], ends_s: Sequence[float]
) -> list[LabelledSegment]:
    """Return segments that end, and others begin, at some times; the last ends where it did."""
    edges_s = [labelled[0].segment.start_s, *ends_s, labelled[-1].segment.end_s]
    return [
        replace(s, segment=Segment(start_s, end_s))
        for s, (start_s, end_s) in zip(labelled, pairwise(edges_s), strict=True)
    ]


def spread(segments: Sequence[LabelledSegment]) -> Probabilities:
    """Return how much each label's probability varies over time, shape [labels].

    It is the standard deviation over the segments, each weighted by how long it lasts.
    """
    probabilities = np.stack([s.probabilities for s in segments])
    duration_s = np.array([s.segment.end_s - s.segment.start_s for s in segments])
    mean = np.average(probabilities, axis=0, weights=duration_s)
    variance = np.average((probabilities - mean) ** 2, axis=0, weights=duration_s)
    deviation: Probabilities = np.sqrt(variance)
    return deviation


def lab(segments: list[LabelledSegment], names: list[str], start_s: float = 0.0) -> str:
    """Write segments as a ``.lab`` file: start, end and label with its bass, a segment a line.

    Of an excerpt, ``start_s`` is where it begins, so that times are those of the recording.
    """
    return "".join(
        lab_line(
            start_s + s.segment.start_s,
            start_s + s.segment.end_s,
            names[s.label],
            None if s.bass is None else s.bass.degree,
        )
        for s in segments
    )


def lab_line(start_s: float, end_s: float, name: str, degree: str | None) -> str:
    """Write a line of a ``.lab`` file; the degree is that of the bass, None for the root."""
    bass = "" if degree is None else f"/{degree}"
    return f"{start_s:.3f}\t{end_s:.3f}\t{name}{bass}\n"
