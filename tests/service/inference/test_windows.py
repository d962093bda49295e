import tracemalloc
from itertools import pairwise

import numpy as np
import pytest

from service.inference.features import Grid
from service.inference.windows import (
    SILENT_BELOW_DB,
    CutWindows,
    Segment,
    WindowSpec,
    cut_counting_windows,
    cut_windows,
    end_in_silence,
    heard_stretches,
    segments,
    window_starts,
)

SPEC = WindowSpec(frames=10, stride_frames=4)
HOP_S = 0.5


def numbered_grid(n_frames: int) -> Grid:
    """Return a grid whose two bands hold the number of the frame, from 1 on."""
    return np.repeat(np.arange(1, n_frames + 1, dtype=np.float32)[:, None], 2, axis=1)


@pytest.mark.parametrize(
    ("n_frames", "starts"),
    [(1, [0]), (10, [0]), (11, [0, 1]), (14, [0, 4]), (15, [0, 4, 5]), (22, [0, 4, 8, 12])],
)
def test_windows_lie_one_stride_apart_and_the_last_one_reaches_the_end(
    n_frames: int, starts: list[int]
) -> None:
    assert window_starts(n_frames, SPEC) == starts


def test_windows_hold_the_frames_from_their_start_on() -> None:
    windows = cut_windows(numbered_grid(15), SPEC)

    assert windows.shape == (3, 10, 2)
    assert windows[:, 0, 0].tolist() == [1, 5, 6]
    assert windows[:, -1, 1].tolist() == [10, 14, 15]


def test_a_short_grid_is_padded_with_silence_at_its_end() -> None:
    windows = cut_windows(numbered_grid(3), SPEC)

    assert windows.shape == (1, 10, 2)
    assert windows[0, :, 0].tolist() == [1, 2, 3, 0, 0, 0, 0, 0, 0, 0]
    assert windows.dtype == np.float32


def test_a_stride_longer_than_a_window_still_reaches_the_end() -> None:
    assert window_starts(50, WindowSpec(frames=10, stride_frames=30)) == [0, 30, 40]


@pytest.mark.parametrize("n_frames", [1, 5, 10, 11, 15, 22, 101])
@pytest.mark.parametrize("spare_s", [0.0, 0.4])
def test_segments_tile_the_clip_without_gaps(n_frames: int, spare_s: float) -> None:
    duration_s = (n_frames - 1) * HOP_S + spare_s

    found = segments(n_frames, SPEC, HOP_S, duration_s)

    assert len(found) == len(window_starts(n_frames, SPEC))
    assert found[0].start_s == 0
    assert found[-1].end_s == duration_s
    assert all(earlier.end_s == later.start_s for earlier, later in pairwise(found))
    assert all(segment.start_s <= segment.end_s for segment in found)


def test_segments_meet_halfway_between_the_centres_of_their_windows() -> None:
    # Centres at frames 5 and 9, so the windows' answers meet at frame 7.
    first, second = segments(14, SPEC, HOP_S, 6.5)

    assert first.end_s == second.start_s == 7 * HOP_S


@pytest.mark.parametrize("change", [{"frames": 0}, {"stride_frames": 0}, {"overlap": 2}])
def test_an_impossible_specification_is_refused(change: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=next(iter(change))):
        WindowSpec.model_validate({**SPEC.model_dump(), **change})


def test_a_short_grid_is_repeated_where_the_spec_asks_for_it() -> None:
    spec = WindowSpec(frames=10, stride_frames=5, short="repeat")
    assert cut_windows(numbered_grid(3), spec)[0, :, 0].tolist() == [1, 2, 3, 1, 2, 3, 1, 2, 3, 1]


def test_windows_that_hear_less_end_in_silence() -> None:
    windows = end_in_silence(cut_windows(numbered_grid(20), SPEC), 13)
    assert windows.shape == (4, 13, 2)
    assert windows[1, :, 0].tolist() == [*range(5, 15), 0, 0, 0]


def test_windows_hear_overlapping_stretches() -> None:
    assert heard_stretches(15, SPEC, HOP_S) == [Segment(0, 5), Segment(2, 7), Segment(2.5, 7.5)]
    assert heard_stretches(4, SPEC, HOP_S) == [Segment(0, 2)]


def test_windows_far_below_the_loudest_of_the_clip_do_not_count() -> None:
    range_db = 80.0
    levels_db = np.repeat([0.0, 30.0, 80.0, 80.0 - SILENT_BELOW_DB, 20.0, 60.0], SPEC.frames)
    grid = np.stack([levels_db / range_db, 0 * levels_db], axis=1).astype(np.float32)
    counting = cut_counting_windows(grid, WindowSpec(frames=10, stride_frames=10), range_db)
    assert (counting.n_frames, counting.all_count) == (30, False)
    np.testing.assert_array_equal(counting.windows[:], [grid[20:30], grid[30:40], grid[50:60]])


def test_the_windows_that_count_begin_where_the_sound_does() -> None:
    grid = np.zeros((60, 2), np.float32)
    grid[13:30] = numbered_grid(17) / 17
    counting = cut_counting_windows(grid, SPEC, SILENT_BELOW_DB + 1)
    assert counting.n_frames == 17
    np.testing.assert_array_equal(counting.windows[:], cut_windows(grid[13:30], SPEC))


def test_a_short_clip_is_repeated_without_the_silence_around_it() -> None:
    sound = (1 + numbered_grid(4) / 4).astype(np.float32)
    grid = np.pad(sound, ((3, 1), (0, 0)))
    repeating = WindowSpec(frames=10, stride_frames=5, short="repeat")
    counting = cut_counting_windows(grid, repeating, SILENT_BELOW_DB + 1)
    assert (counting.n_frames, counting.all_count) == (4, True)
    np.testing.assert_array_equal(counting.windows[:], cut_windows(sound, repeating))
    in_silence = cut_counting_windows(grid, SPEC, SILENT_BELOW_DB + 1)
    np.testing.assert_array_equal(in_silence.windows[:], cut_windows(grid, SPEC))


def test_windows_that_count_are_no_copies_of_a_long_clip() -> None:
    grid = np.zeros((5_000, 96), np.float32)
    grid[1_000:] = 1
    tracemalloc.start()
    counting = cut_counting_windows(grid, SPEC, 80.0)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert not counting.all_count
    assert peak_bytes < grid.nbytes / 4


@pytest.mark.parametrize("n_frames", [1, 3, 10, 25])
def test_all_windows_of_a_clip_count_that_is_as_loud_everywhere_or_silent(n_frames: int) -> None:
    for grid in (np.zeros((n_frames, 2), np.float32), numbered_grid(n_frames)):
        counting = cut_counting_windows(grid, SPEC, 1.0)
        assert (counting.n_frames, counting.all_count) == (n_frames, True)
        np.testing.assert_array_equal(counting.windows[:], cut_windows(grid, SPEC))


def test_a_clip_whose_windows_all_sound_in_part_is_left_as_it_is() -> None:
    grid = np.zeros((20, 2), np.float32)
    grid[8:12] = 1
    counting = cut_counting_windows(grid, WindowSpec(frames=10, stride_frames=10), 80.0)
    np.testing.assert_array_equal(counting.windows[:], [grid[:10], grid[10:]])


@pytest.mark.parametrize("n_frames", [3, 10, 23])
def test_windows_can_be_cut_some_at_a_time(n_frames: int) -> None:
    grid = numbered_grid(n_frames)
    windows, every = CutWindows(grid, SPEC, padded_frames=13), cut_windows(grid, SPEC)
    assert len(windows) == len(every)
    some = [windows[n : n + 2] for n in range(0, len(windows), 2)]
    np.testing.assert_array_equal(np.concatenate(some), end_in_silence(every, 13))
