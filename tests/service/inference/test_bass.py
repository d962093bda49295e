from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from service.inference.bass import (
    BEGINNING_FRAMES,
    LEAST_PROBABILITY,
    SEMITONES,
    TONES,
    low_levels,
    tell_basses,
    tones_of,
)
from service.inference.bundle import Bundle
from service.inference.features import Grid
from service.inference.harte import NOTES
from service.inference.timeline import Bass, LabelledSegment
from service.inference.windows import Segment

LABELS = [*(f"{note}:{quality}" for note in NOTES for quality in (*TONES, "aug")), "N"]
SECONDS = 2.0
BASS_FROM, CHORD_FROM = 36, 60  # MIDI notes


@cache
def shipped() -> Bundle:
    return Bundle.load(Path(__file__).parents[3] / "models" / "chord")


@cache
def played(pitch_class: int, quality: str, degree: str) -> Grid:
    """Return the features of a chord with one of its notes in the bass, each of ten partials."""
    notes = [BASS_FROM + (pitch_class + SEMITONES[degree]) % 12]
    notes += [CHORD_FROM + (pitch_class + SEMITONES[d]) % 12 for d in TONES[quality]]
    rate_hz = shipped().card.features.sample_rate_hz
    times_s = np.arange(round(SECONDS * rate_hz)) / rate_hz
    sound = np.zeros(len(times_s))
    for note in notes:
        for partial in range(1, 11):
            frequency_hz = partial * 440 * 2 ** ((note - 69) / 12)
            sound += 0.6**partial * np.sin(2 * np.pi * frequency_hz * times_s + note)
    return shipped().features((0.1 * sound * np.exp(-times_s)).astype(np.float32))


def segments(*chords: str, length_s: float = SECONDS) -> list[LabelledSegment]:
    return [
        LabelledSegment(
            Segment(n * length_s, (n + 1) * length_s), LABELS.index(chord), np.zeros(len(LABELS))
        )
        for n, chord in enumerate(chords)
    ]


def told(timeline: Sequence[LabelledSegment], grid: Grid) -> list[Bass | None]:
    return [s.bass for s in tell_basses(timeline, grid, shipped().card.features, LABELS)]


@pytest.mark.parametrize(
    ("quality", "degree"),
    [("maj", "3"), ("maj", "5"), ("min", "b3"), ("min", "5"), ("7", "b7"), ("maj7", "7"),
     ("min7", "b7")],
)  # fmt: skip
def test_an_inversion_is_told_in_most_keys_and_never_wrongly(quality: str, degree: str) -> None:
    basses = []
    for root, note in enumerate(NOTES):
        (bass,) = told(segments(f"{note}:{quality}"), played(root, quality, degree))
        if bass is not None:
            assert bass.note == NOTES[(root + SEMITONES[degree]) % 12]
            assert LEAST_PROBABILITY <= bass.probability <= 1
            basses.append(bass.degree)
    assert set(basses) == {degree}
    assert len(basses) >= 8


@pytest.mark.parametrize("quality", TONES)
def test_of_a_chord_on_its_root_hardly_ever_a_bass_is_told(quality: str) -> None:
    basses = [
        told(segments(f"{note}:{quality}"), played(root, quality, "1"))[0]
        for root, note in enumerate(NOTES)
    ]
    assert basses.count(None) >= 11


def test_each_segment_is_heard_by_itself() -> None:
    grid = np.concatenate([played(0, "maj", "3")[:-1], played(7, "maj", "1")])
    timeline = segments("C:maj", "G:maj")
    first, second = told(timeline, grid)
    assert first is not None
    assert (first.note, first.degree) == ("E", "3")
    assert second is None


def test_symmetric_chords_and_none_have_no_bass() -> None:
    grid = played(0, "maj", "3")
    assert told(segments("C:aug"), grid) == [None]
    assert told(segments("N"), grid) == [None]
    assert tones_of("C:sus4") is None


def test_labels_that_are_no_chords_and_features_of_few_octaves_have_no_bass() -> None:
    grid, spec = played(0, "maj", "3"), shipped().card.features
    timeline = segments("C:maj")
    assert tell_basses(timeline, grid, spec, None) == timeline
    assert tell_basses(timeline, grid[:, :72], spec, LABELS) == timeline
    assert tell_basses([], grid, spec, LABELS) == []


def test_silence_stands_on_the_root() -> None:
    assert told(segments("C:maj"), np.zeros((20, 216), np.float32)) == [None]


def test_levels_are_of_the_whole_segment_and_of_its_beginning() -> None:
    grid = np.zeros((20, 216), np.float32)
    grid[:BEGINNING_FRAMES, 1] = 0.6  # the lowest C, which stops
    grid[:, 3 * 7] = 0.6  # G
    whole, beginning = low_levels(segments("C:maj"), grid, shipped().card.features)[:, 0]
    assert beginning[0] == pytest.approx(beginning[7])
    assert whole[0] - whole[1] == pytest.approx(3.6 * BEGINNING_FRAMES / 20)
    np.testing.assert_allclose(whole.mean(), 0, atol=1e-12)


def test_a_segment_of_less_than_a_frame_is_heard_where_it_lies() -> None:
    assert told(segments("C:maj", length_s=1e-3), played(0, "maj", "1")) == [None]
    late = [LabelledSegment(Segment(SECONDS, SECONDS + 0.01), LABELS.index("C:maj"), np.zeros(1))]
    assert told(late, played(0, "maj", "1")) == [None]
