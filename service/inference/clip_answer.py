"""What a bundle says of one clip: of the whole, and over time."""

from collections.abc import Callable, Sequence
from functools import partial

from service.inference.bundle import Bundle, Logits
from service.inference.card import Card
from service.inference.features import Grid
from service.inference.onsets import Strengths
from service.inference.timeline import (
    LabelledSegment,
    end_where_others_begin,
    label_segments,
    move_ends,
)
from service.inference.whole import NOTHING, Whole, say_of_the_whole
from service.inference.windows import (
    Counting,
    CutWindows,
    cut_counting_windows,
    heard_stretches,
    segments,
)


def clip_logits(window_logits: Logits) -> Logits:
    """Join the windows' logits, shape [n_windows, labels], to the clip's, shape [labels]."""
    mean: Logits = window_logits.mean(axis=0)
    return mean


def clip_answer(
    bundle: Bundle,
    n_frames: int,
    window_logits: Callable[[], Logits],
    timeline: Sequence[LabelledSegment] = (),
) -> Whole:
    """Say what a whole clip is, and what sounds when, which agree.

    Parameters
    ----------
    bundle
        Who answers.
    n_frames
        Frames of the clip's features that are heard in its windows.
    window_logits
        Asks what the bundle says about the clip's windows that count, shape [n_windows, labels];
        where several labels sound, the timeline tells enough.
    timeline
        What :func:`trace` returned; needed where the card joins windows, and else kept as it is.
    """
    card = bundle.card
    calibrate = partial(bundle.probabilities, heard_s=(n_frames - 1) * card.features.hop_s)
    if card.timeline is None:
        return Whole(calibrate(clip_logits(window_logits())), list(timeline))
    windows = heard_stretches(n_frames, card.windows, card.features.hop_s)
    return say_of_the_whole(timeline, nothing_of(card), windows, window_logits, calibrate)


def nothing_of(card: Card) -> int | None:
    """Return the index of the label of silence; None where there is none."""
    return card.labels.index(NOTHING) if NOTHING in card.labels else None


def counting_windows(card: Card, grid: Grid) -> Counting:
    """Cut a clip's features into the windows that count in what is said of the whole clip.

    Where the card joins windows, the timeline tells what is silence, and all count.
    """
    if card.timeline is not None:
        return Counting(CutWindows(grid, card.windows), len(grid))
    return cut_counting_windows(grid, card.windows, card.features.range_db)


def trace(
    bundle: Bundle,
    grid: Grid,
    window_logits: Callable[[], Logits],
    duration_s: float,
    context_grid: Grid | None = None,
    onsets: Strengths | None = None,
) -> list[LabelledSegment]:
    """Return what sounds when.

    Parameters
    ----------
    bundle
        Who answers.
    grid
        The clip's features, shape [frames, bands].
    window_logits
        Asks what the bundle says about the clip's windows, shape [n_windows, labels]; a timeline
        with windows of its own does not need it.
    duration_s
        How long the clip plays.
    context_grid
        The clip's features for the bundle's context, if it has one.
    onsets
        How much begins when in the clip, if the card asks for it and somebody listened.
    """
    spec, of_the_whole = bundle.card.timeline, bundle.card.windows
    hop_s = bundle.card.features.hop_s
    windows = of_the_whole if spec is None else spec.windows(of_the_whole)
    if windows == of_the_whole:
        logits = window_logits()
    else:
        logits = bundle.run(CutWindows(grid, windows, of_the_whole.frames), context_grid)
    places = segments(len(grid), windows, hop_s, duration_s)
    # Where windows are joined, how was chosen for the confidence that they have in long clips.
    heard_s = min(windows.frames * hop_s, duration_s) if spec is None else None
    labelled = label_segments(places, bundle.probabilities(logits, heard_s), spec, bundle.songs)
    if spec is None or spec.bands_per_octave is None:
        return labelled
    moved = move_ends(labelled, grid, hop_s, spec.bands_per_octave)
    if spec.onsets is None or onsets is None:
        return moved
    return end_where_others_begin(
        moved, onsets, spec.onsets.hop_samples / bundle.card.features.sample_rate_hz
    )
