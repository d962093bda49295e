"""Cut a feature grid into the windows that a network sees, and tell when each of them sounds."""

from dataclasses import dataclass
from itertools import compress, pairwise
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from service.inference.features import Grid

Windows = NDArray[np.float32]  # [n_windows, frames, bands]

SILENT_BELOW_DB = 40.0  # the loudest of the clip


class Slices(Protocol):
    """Windows, or what was said of each, of which some can be had at a time: arrays, and others."""

    def __len__(self) -> int:
        """Return how many there are."""

    def __getitem__(self, some: slice, /) -> NDArray[np.float32]:
        """Return some of them, shape [n, ...]."""


class WindowSpec(BaseModel):
    """How long a window is and how far the next one lies."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    frames: int = Field(gt=0, description="Frames in one window")
    stride_frames: int = Field(gt=0, description="Frames from one window's start to the next")
    short: Literal["silence", "repeat"] = Field(
        default="silence", description="What fills a window that a short clip does not"
    )


@dataclass(frozen=True)
class Counting:
    """The windows that count in what is said of a whole clip.

    Attributes
    ----------
    windows
        Shape [n_windows, frames, bands].
    n_frames
        How many frames of the clip they hear.
    all_count
        Whether they are all of the clip's windows.
    """

    windows: Slices
    n_frames: int
    all_count: bool = True


@dataclass(frozen=True)
class Segment:
    """A stretch of time, such as the one that a window's answer speaks for."""

    start_s: float
    end_s: float

    @property
    def length_s(self) -> float:
        """How long it is."""
        return self.end_s - self.start_s


def window_starts(n_frames: int, spec: WindowSpec) -> list[int]:
    """Return the first frame of each window; the last window ends at the last frame."""
    last = max(0, n_frames - spec.frames)
    starts = list(range(0, last + 1, spec.stride_frames))
    if starts[-1] != last:
        starts.append(last)
    return starts


class CutWindows:
    """The windows of a grid, cut when they are asked for: where they overlap, all are large.

    A grid shorter than one window is followed by silence, whose value is zero, or repeated.

    Parameters
    ----------
    grid
        Shape [frames, bands].
    spec
        How the windows lie.
    padded_frames
        How long each is, where that is more than it hears; the rest is silence.
    chosen
        Which of them to cut, shape [n_windows]; without it, all.
    """

    def __init__(
        self,
        grid: Grid,
        spec: WindowSpec,
        padded_frames: int | None = None,
        chosen: NDArray[np.bool_] | None = None,
    ) -> None:
        missing = spec.frames - len(grid)
        if missing > 0:
            mode: Literal["wrap", "constant"] = "wrap" if spec.short == "repeat" else "constant"
            grid = np.pad(grid, ((0, missing), (0, 0)), mode=mode)
        self._grid = grid
        self._heard_frames = spec.frames
        self._padded_frames = padded_frames or spec.frames
        starts = window_starts(len(grid), spec)
        self._starts = starts if chosen is None else list(compress(starts, chosen))

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._starts)

    def __getitem__(self, some: slice) -> Windows:
        """Return some of them, shape [n_windows, frames, bands]."""
        starts = self._starts[some]
        windows = np.zeros(
            (len(starts), self._padded_frames, self._grid.shape[1]), self._grid.dtype
        )
        for window, start in zip(windows, starts, strict=True):
            window[: self._heard_frames] = self._grid[start : start + self._heard_frames]
        return windows


def cut_windows(grid: Grid, spec: WindowSpec) -> Windows:
    """Cut a grid into all of its windows, shape [n_windows, frames, bands]."""
    return CutWindows(grid, spec)[:]


def cut_counting_windows(grid: Grid, spec: WindowSpec, range_db: float) -> Counting:
    """Cut a grid into the windows that count in what is said of the whole clip.

    What lies far below the loudest of the clip is silence around the music, or the noise of a
    room: a network has to say something of it too, which would dilute what it says of the music.
    Where whole windows are silent, those that count begin where the sound does; what is repeated
    to fill a window is only what sounds.

    Parameters
    ----------
    grid
        The clip's features, shape [frames, bands].
    spec
        How its windows lie.
    range_db
        Of the features: how many decibels the values from 0 to 1 stand for.
    """
    loudest = grid.max(axis=1)
    floor = loudest.max() - SILENT_BELOW_DB / range_db
    if spec.short == "repeat" and len(grid) < spec.frames:
        # A chord that comes again and again between silences sounds like a machine.
        heard = grid[_from_first_to_last(loudest >= floor)]
        return Counting(CutWindows(heard, spec), len(heard))
    if _sounding(loudest, spec, floor).all():
        return Counting(CutWindows(grid, spec), len(grid))
    part = _from_first_to_last(loudest >= floor)
    sounding = _sounding(loudest[part], spec, floor)
    n_frames = part.stop - part.start
    inside = np.zeros(n_frames, dtype=bool)
    for start, sounds in zip(window_starts(n_frames, spec), sounding, strict=True):
        inside[start : start + spec.frames] |= sounds
    windows = CutWindows(grid[part], spec, chosen=sounding)
    return Counting(windows, int(inside.sum()), all_count=False)


def _from_first_to_last(sounding: NDArray[np.bool_]) -> slice:
    """Return from the first to the last frame of those in which something sounds."""
    frames = np.flatnonzero(sounding)
    return slice(int(frames[0]), int(frames[-1]) + 1)


def _sounding(loudest: NDArray[np.float32], spec: WindowSpec, floor: float) -> NDArray[np.bool_]:
    """Tell in which windows something sounds, by the loudest band of each frame."""
    starts = window_starts(len(loudest), spec)
    levels = np.array([loudest[start : start + spec.frames].max() for start in starts])
    sounding: NDArray[np.bool_] = levels >= floor
    return sounding


def end_in_silence(windows: Windows, frames: int) -> Windows:
    """Return windows of so many frames, which begin with the given ones and end in silence."""
    missing = frames - windows.shape[1]
    return np.pad(windows, ((0, 0), (0, missing), (0, 0))) if missing else windows


def heard_stretches(n_frames: int, spec: WindowSpec, hop_s: float) -> list[Segment]:
    """Return the stretch that each window hears; unlike :func:`segments`, they overlap."""
    length = min(spec.frames, n_frames)
    return [Segment(s * hop_s, (s + length) * hop_s) for s in window_starts(n_frames, spec)]


def segments(n_frames: int, spec: WindowSpec, hop_s: float, duration_s: float) -> list[Segment]:
    """Return one segment per window: they meet halfway between the windows' centres."""
    starts = np.asarray(window_starts(n_frames, spec), dtype=float)
    centres_s = (starts + min(spec.frames, n_frames) / 2) * hop_s
    inner = (centres_s[1:] + centres_s[:-1]) / 2
    edges = np.clip(np.concatenate([[0.0], inner, [duration_s]]), 0.0, duration_s)
    return [Segment(float(a), float(b)) for a, b in pairwise(edges)]
