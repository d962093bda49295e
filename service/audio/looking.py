"""Look for the frames of a stream: the first that is no accident, and on behind a run of them."""

import re
from collections.abc import Callable, Iterable

from service.audio.tags import after_tags

# Frames in a row that are no accident, and how many accidents are looked at before giving up.
SURE_FRAMES = 3
MOST_ACCIDENTS = 100_000


def first_sure(
    starts: Iterable[re.Match[bytes]],
    is_sure: Callable[[int], bool],
    most_accidents: int = MOST_ACCIDENTS,
) -> int | None:
    """Return the first place that is sure; None where so many others come before it.

    Parameters
    ----------
    starts
        What looks like the header of a frame.
    is_sure
        Whether a frame begins at a place.
    most_accidents
        How many that are none are looked at before giving up.
    """
    for accidents, start in enumerate(starts):
        if is_sure(start.start()):
            return start.start()
        if accidents == most_accidents:
            break
    return None


def after_run(data: bytes, behind: int, end: int) -> int:
    """Return where to look for frames again, behind a run of them: after the tags that follow.

    Zeros are padding behind a tag or at the end, and a hole between frames.
    """
    at = min(after_tags(data, behind), end)
    return behind if at < end and not data[behind:at].strip(b"\0") else at
