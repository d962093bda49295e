import numpy as np
import pytest

from service.inference.boundaries import (
    LOW_WEIGHT,
    REACH_FRAMES,
    SPAN_FRAMES,
    move_boundaries,
    pitch_classes,
)
from service.inference.features import Grid

BANDS = 72  # two octaves
C, G = 0, 7


def grid_of(*parts: tuple[int, int], octave: int = 0, level: float = 0.8) -> Grid:
    """Return a grid in which pitch classes sound, each for so many frames, over soft noise."""
    rng = np.random.default_rng(0)
    grid = 0.2 * rng.random((sum(n for _, n in parts), BANDS), dtype=np.float32)
    start = 0
    for pitch, frames in parts:
        grid[start : start + frames, 36 * octave + 3 * pitch + 1] = level
        start += frames
    return grid


@pytest.mark.parametrize("octave", [0, 1])
def test_pitch_classes_are_the_same_in_every_octave_and_at_any_level(octave: int) -> None:
    pitches = pitch_classes(grid_of((G, 5), octave=octave, level=0.9), 36)[:, :12]
    assert pitches.shape == (5, 12)
    assert set(pitches.argmax(axis=1)) == {G}
    np.testing.assert_allclose((pitches**2).sum(axis=1), 1)
    np.testing.assert_allclose(pitches.mean(axis=1), 0, atol=1e-12)


def test_low_octaves_are_folded_once_more() -> None:
    low = pitch_classes(grid_of((G, 5), octave=0, level=0.9), 36)[:, 12:]
    high = pitch_classes(grid_of((G, 5), octave=1, level=0.9), 36)[:, 12:]
    assert set(low.argmax(axis=1)) == {G}
    np.testing.assert_allclose((low**2).sum(axis=1), LOW_WEIGHT**2)
    assert high[:, G].max() < low[:, G].min() / 2


def test_a_boundary_goes_with_the_bass_rather_than_with_a_melody() -> None:
    grid = grid_of((C, 20), (G, 25))
    for first, last, pitch in ((0, 16, 4), (16, 45, 5)):  # a melody that changes sooner
        grid[first:last, 36 + 3 * pitch + 1] = 0.9
    assert move_boundaries([0, 18, 45], pitch_classes(grid, 36))[1] == pytest.approx(20, abs=0.3)


def test_silence_has_no_pitch_class() -> None:
    assert not pitch_classes(np.zeros((4, BANDS), np.float32), 36).any()


@pytest.mark.parametrize("answered", [20 - REACH_FRAMES, 18, 20, 23, 20 + REACH_FRAMES])
def test_a_boundary_within_reach_moves_to_the_change(answered: int) -> None:
    pitches = pitch_classes(grid_of((C, 20), (G, 25)), 36)
    assert move_boundaries([0, answered, 45], pitches) == pytest.approx([0, 20, 45], abs=0.2)


def test_each_boundary_moves_to_its_own_change() -> None:
    pitches = pitch_classes(grid_of((C, 12), (G, 9), (2, 14), (C, 15)), 36)
    moved = move_boundaries([0, 15, 19, 38, 50], pitches)
    assert moved == pytest.approx([0, 12, 21, 35, 50], abs=0.2)


@pytest.mark.parametrize("part", [-0.4, -0.25, 0, 0.25, 0.4])
def test_a_change_between_two_frames_is_found_there(part: float) -> None:
    # Overlapping frames see a change come and go, as a ramp over four of them.
    heard = np.clip((np.arange(40) + 0.5 - 20 - part) / 4 + 0.5, 0, 1)[:, np.newaxis]
    pitches = (1 - heard) * np.eye(12)[C] + heard * np.eye(12)[G]
    assert move_boundaries([0, 18, 40], pitches) == pytest.approx([0, 20 + part, 40], abs=0.1)


def test_where_nothing_changes_a_boundary_stays() -> None:
    pitches = pitch_classes(np.zeros((30, BANDS), np.float32), 36)
    assert move_boundaries([0, 11, 19, 30], pitches) == [0, 11, 19, 30]


def test_no_segment_vanishes() -> None:
    pitches = pitch_classes(grid_of((C, 10), (G, 10)), 36)
    edges = move_boundaries([0, 8, 10, 11, 12, 20], pitches)
    assert all(np.diff(edges) > 0)


def test_segments_of_a_frame_have_nowhere_to_go() -> None:
    pitches = pitch_classes(grid_of((C, 1), (G, 1)), 36)
    assert move_boundaries([0, 1, 2], pitches) == [0, 1, 2]


def test_a_long_recording_has_the_pitch_classes_of_its_parts() -> None:
    grid = np.random.default_rng(0).random((3 * SPAN_FRAMES // 2, BANDS), np.float32)
    parts = [pitch_classes(part, 36) for part in np.array_split(grid, 5)]
    np.testing.assert_array_equal(pitch_classes(grid, 36), np.concatenate(parts))
