"""Cut a feature grid into the windows that a network sees, and join its answers again."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from service.inference.features import Grid

Windows = NDArray[np.float32]  # [n_windows, frames, bands]


class WindowSpec(BaseModel):
    """How long a window is and how far the next one lies."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    frames: int = Field(gt=0, description="Frames in one window")
    stride_frames: int = Field(gt=0, description="Frames from one window's start to the next")
    short: Literal["silence", "repeat"] = Field(
        default="silence", description="What fills a window that a short clip does not"
    )


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


def cut_windows(grid: Grid, spec: WindowSpec) -> Windows:
    """Cut a grid into windows, shape [n_windows, frames, bands].

    A grid shorter than one window is followed by silence, whose value is zero, or repeated.
    """
    missing = spec.frames - len(grid)
    if missing > 0:
        mode: Literal["wrap", "constant"] = "wrap" if spec.short == "repeat" else "constant"
        grid = np.pad(grid, ((0, missing), (0, 0)), mode=mode)
    return np.stack([grid[s : s + spec.frames] for s in window_starts(len(grid), spec)])


def end_in_silence(windows: Windows, frames: int) -> Windows:
    """Return windows of so many frames, which begin with the given ones and end in silence."""
    return np.pad(windows, ((0, 0), (0, frames - windows.shape[1]), (0, 0)))


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
