from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import ValidationError

from service.inference.timeline import (
    Bass,
    LabelledSegment,
    TimelineSpec,
    end_where_others_begin,
    lab,
    label_segments,
    move_ends,
    spread,
)
from service.inference.windows import Segment, WindowSpec

SPEC = TimelineSpec(change_probability=0.1)
SEGMENTS = [Segment(float(n), float(n + 1)) for n in range(6)]


def rows(*labels: int, sure: float = 0.8, n_labels: int = 3) -> NDArray[np.float64]:
    """Return probabilities that favour one label in each window."""
    probabilities = np.full((len(labels), n_labels), (1 - sure) / (n_labels - 1))
    probabilities[np.arange(len(labels)), labels] = sure
    return probabilities


def test_a_timeline_has_windows_of_its_own() -> None:
    whole = WindowSpec(frames=20, stride_frames=15, short="repeat")

    def lie(**spec: int) -> WindowSpec:
        return TimelineSpec(change_probability=0.1, **spec).windows(whole)

    assert lie() == whole
    assert lie(heard_frames=8) == WindowSpec(frames=8, stride_frames=15, short="repeat")
    assert lie(heard_frames=30) == whole
    assert lie(stride_frames=5) == WindowSpec(frames=20, stride_frames=5, short="repeat")


def test_the_spread_is_the_deviation_of_each_label_weighted_by_time() -> None:
    segments = [
        LabelledSegment(Segment(0.0, 3.0), 0, np.array([0.8, 0.2])),
        LabelledSegment(Segment(3.0, 4.0), 1, np.array([0.4, 0.6])),
    ]
    # The mean of the first is 0.7; 0.1 above it for three seconds, 0.3 below for one.
    expected = np.sqrt((3 * 0.1**2 + 0.3**2) / 4)
    assert spread(segments) == pytest.approx([expected, expected])
    assert spread(segments[:1]) == pytest.approx([0.0, 0.0])


def test_one_odd_window_does_not_break_a_segment() -> None:
    joined = label_segments(SEGMENTS, rows(0, 0, 1, 0, 0, 0, sure=0.6), SPEC)
    assert [(s.segment.start_s, s.segment.end_s, s.label) for s in joined] == [(0, 6, 0)]


def test_a_lasting_change_begins_a_segment_and_probabilities_are_averaged() -> None:
    joined = label_segments(SEGMENTS, rows(0, 0, 0, 2, 2, 2), SPEC)
    assert [(s.segment.start_s, s.segment.end_s, s.label) for s in joined] == [
        (0, 3, 0),
        (3, 6, 2),
    ]
    assert joined[1].probabilities == pytest.approx([0.1, 0.1, 0.8])


def test_without_a_spec_each_window_is_a_segment() -> None:
    apart = label_segments(SEGMENTS, rows(0, 0, 1, 1, 2, 2), None)
    assert [s.label for s in apart] == [0, 0, 1, 1, 2, 2]
    assert [s.segment for s in apart] == SEGMENTS


def test_one_window_is_one_segment() -> None:
    assert len(label_segments(SEGMENTS[:1], rows(1), SPEC)) == 1


def test_lab_has_start_end_and_name_a_line() -> None:
    joined = label_segments(SEGMENTS, rows(0, 0, 0, 2, 2, 2), SPEC)
    assert lab(joined, ["C:maj", "A:min", "N"]) == "0.000\t3.000\tC:maj\n3.000\t6.000\tN\n"


def test_lab_names_the_bass_where_one_is_told() -> None:
    first, second = label_segments(SEGMENTS, rows(0, 0, 0, 1, 1, 1), SPEC)
    inverted = replace(first, bass=Bass("E", "3", 0.9))
    assert lab([inverted, second], ["C:maj", "A:min", "N"]) == (
        "0.000\t3.000\tC:maj/3\n3.000\t6.000\tA:min\n"
    )


def pitches_of(*parts: tuple[int, int]) -> NDArray[np.float32]:
    """Return a grid of one octave in which semitones sound, each for so many frames."""
    grid = np.zeros((sum(n for _, n in parts), 36), np.float32)
    starts = np.cumsum([0, *(n for _, n in parts)])
    for (semitone, n), start in zip(parts, starts, strict=False):
        grid[start : start + n, 3 * semitone] = 1
    return grid


def test_ends_move_to_where_the_pitch_classes_change() -> None:
    joined = label_segments(SEGMENTS, rows(0, 0, 0, 2, 2, 2), SPEC)
    moved = move_ends(joined, pitches_of((0, 11), (7, 14)), 0.25, 36)
    # Frame 11, centred on 2.75 s, is the first that sounds otherwise.
    assert [(s.segment.start_s, s.segment.end_s) for s in moved] == [(0, 2.625), (2.625, 6)]
    assert [s.label for s in moved] == [0, 2]


def test_one_segment_stays_as_it_is() -> None:
    joined = label_segments(SEGMENTS, rows(0, 0, 0, 0, 0, 0), SPEC)
    assert move_ends(joined, pitches_of((0, 11), (7, 14)), 0.25, 36) == joined


def test_ends_move_on_to_where_most_begins() -> None:
    joined = label_segments(SEGMENTS, rows(0, 0, 0, 2, 2, 2), SPEC)
    onsets = np.zeros(600, np.float32)
    onsets[310] = 1
    moved = end_where_others_begin(joined, onsets, 0.01)
    assert [(s.segment.start_s, s.segment.end_s) for s in moved] == [
        (0, pytest.approx(3.1, abs=1e-3)),
        (pytest.approx(3.1, abs=1e-3), 6),
    ]
    assert [s.label for s in moved] == [0, 2]
    whole = label_segments(SEGMENTS, rows(0, 0, 0, 0, 0, 0), SPEC)
    (one,) = end_where_others_begin(whole, onsets, 0.01)
    assert vars(one) == vars(whole[0])


@pytest.mark.parametrize("bands", [0, -36, 35])
def test_octaves_that_hold_no_whole_semitones_are_refused(bands: int) -> None:
    with pytest.raises(ValidationError):
        TimelineSpec(change_probability=0.1, bands_per_octave=bands)
