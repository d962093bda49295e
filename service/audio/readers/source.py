"""What every reader of files offers."""

from collections.abc import Callable, Iterator
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]

BLOCK_FRAMES = 1 << 16


class Unreadable(Exception):
    """A reader can make nothing, or nothing more, of a file; another one might."""


class Source(Protocol):
    """One recording while it is read, block by block.

    Attributes
    ----------
    format
        Name of the format, as answers tell it.
    sample_rate_hz, channels
        Of all its blocks.
    n_frames
        Samples that will be read, where that is known beforehand; 0 elsewhere.
    stated_s
        Length that the file states and that can be believed, in seconds; 0 if there is none.
    cut_off
        Whether the file ends before its own end.
    damaged_s
        Length of what could not be decoded, in seconds; known once it is read.
    """

    format: str
    sample_rate_hz: int
    channels: int
    n_frames: int
    stated_s: float
    cut_off: bool
    damaged_s: float

    def seek(self, frame: int) -> int:
        """Go to a sample, or to one before it where that is as far as it goes; return which."""

    def blocks(self) -> Iterator[Samples]:
        """Yield the samples from there to the end, each block of shape [n_samples, channels].

        Raises
        ------
        Unreadable
            This reader cannot go on.
        """

    def close(self) -> None:
        """Let go of the file."""


Opening = Callable[[], Source]
